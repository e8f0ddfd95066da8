"""The plan of the house, executed: who imports whom, which library has which door, how long a file may be.

Each rule is a function from one module to what is wrong with it. Each stands beside a planted module that
breaks it, because a rule that cannot fail guards nothing.
"""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

MAY_IMPORT = {
    "schemas": set(),
    "serving": {"schemas"},
    "pipelines": {"schemas", "serving"},
    "training": {"schemas", "serving"},
    "jobs": {"schemas", "serving", "pipelines", "training"},
    "airflow_dags": set(),
}
PACKAGES = tuple(name for name in MAY_IMPORT if name != "airflow_dags")

# Heavy library -> the only files, or folders, that import it.
DOORS = {
    "delta": ("pipelines/session.py", "pipelines/lake.py"),
    "duckdb": ("pipelines/adhoc.py",),
    "duckdb_extension_delta": ("pipelines/adhoc.py",),
    "great_expectations": ("pipelines/quality/validation.py",),
    "torch": ("training/", "serving/local_model.py"),
    "transformers": ("training/", "serving/local_model.py", "pipelines/recognizers.py"),
    "presidio_analyzer": ("pipelines/recognizers.py",),
    "accelerate": ("training/", "serving/local_model.py"),
    "airflow": ("airflow_dags/",),
    "liquid": (
        "serving/simulator/liquid.py",
        "serving/simulator/liquid_bounds.py",
        "serving/simulator/liquid_context.py",
    ),
    "blake3": ("serving/simulator/liquid_filters.py",),
    "quickjs": ("serving/simulator/engine.py",),
}

# The ground floor knows no engine, no network, no disk, no clock and no chance.
NOT_ON_THE_GROUND_FLOOR = {
    *("asyncio", "http", "httpx", "logging", "multiprocessing", "pandas", "pyspark", "requests", "socket"),
    *(
        "glob",
        "io",
        "os",
        "pathlib",
        "random",
        "shutil",
        "subprocess",
        "tempfile",
        "threading",
        "time",
        "urllib",
    ),
}

TOP_LEVEL_FOLDERS = {*MAY_IMPORT, "benchmarks", "tests", ".ci"}
VAGUE_NAMES = {"utils", "util", "common", "core", "base", "manager", "helpers", "misc"}
LIBRARIES = {
    "delta",
    "duckdb",
    "numpy",
    "orjson",
    "pandas",
    "py4j",
    "pyarrow",
    "pyspark",
    "rich",
    "torch",
    "typer",
}

FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__", "literal_eval", "to_pyarrow_dataset"}
FORBIDDEN_MODULES = {"pickle", "cloudpickle", "dill", "marshal", "shelve", "pyarrow.json"}
LOSSY_READING = re.compile(r"ignoreCorruptFiles\W+true|DROPMALFORMED", re.IGNORECASE)
ONE_MACHINE_OR_UNFINISHED = re.compile(r"/(?:work|root|home|tmp)/\w+|\b(?:TODO|FIXME|XXX)\b")

MAX_LINES = 400
MAX_LINES_OF_A_JOB = 60


@dataclass(frozen=True)
class Module:
    """One source file: its path from the repository's root, and its text."""

    name: str
    source: str

    @property
    def package(self) -> str:
        return self.name.partition("/")[0]

    @property
    def parts(self) -> list[str]:
        return self.name.removesuffix(".py").split("/")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.source, self.name)

    @property
    def is_job(self) -> bool:
        return re.fullmatch(r"jobs/[a-z]+_\w+\.py", self.name) is not None

    def imported(self) -> Iterator[str]:
        """Dotted names of everything that the module imports, inside functions too."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield from (f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names)

    def imported_roots(self) -> set[str]:
        return {name.partition(".")[0] for name in self.imported()}

    def calls(self) -> Iterator[tuple[str, ast.Call]]:
        """The last name of every call (`a.b.c()` is `c`); `re.compile` is none of ours to forbid."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) != "re.compile":
                yield ast.unparse(node.func).rpartition(".")[2], node

    def exported(self) -> list[str] | None:
        """The literal `__all__`, None where there is none."""
        for node in self.tree.body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
                return [str(ast.literal_eval(name)) for name in getattr(node.value, "elts", [])]
        return None

    def defined(self) -> set[str]:
        names: set[str] = set()
        for node in ast.walk(self.tree):
            if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                names.add(node.name)
            elif isinstance(node, ast.alias):
                names.add((node.asname or node.name).partition(".")[0])
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                names.add(node.id)
        return names


def tracked(pattern: str) -> list[str]:
    """Files that git holds or would take: a stray build folder is no part of the house."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", pattern],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return sorted(name for name in listed.split("\0") if name and (ROOT / name).exists())


MODULES = [
    Module(name, (ROOT / name).read_text(encoding="utf-8"))
    for name in tracked("*.py")
    if name.partition("/")[0] in MAY_IMPORT
]
BY_DOTTED_NAME = {".".join(module.parts).removesuffix(".__init__"): module for module in MODULES}

Rule = Callable[[Module], Iterator[str]]
RULES: list[tuple[Rule, Module]] = []


def rule(broken_by: str, named: str) -> Callable[[Rule], Rule]:
    """Register a rule with the name and the source of a module that breaks it."""

    def register(found: Rule) -> Rule:
        RULES.append((found, Module(named, broken_by)))
        return found

    return register


@rule("from pipelines import session", "serving/agent.py")
def imports_point_down(module: Module) -> Iterator[str]:
    below = MAY_IMPORT[module.package] | {module.package}
    ours = {*MAY_IMPORT, "tests", "benchmarks"}
    yield from (module.imported_roots() & ours) - below


@rule("from . import session", "pipelines/lake.py")
def imports_name_their_package(module: Module) -> Iterator[str]:
    yield from (name for name in module.imported() if name.startswith("."))


@rule("def ask():\n    import duckdb", "pipelines/lake.py")
def a_heavy_library_has_one_door(module: Module) -> Iterator[str]:
    for library in module.imported_roots() & DOORS.keys():
        if not any(
            module.name == door or (door[-1] == "/" and module.name.startswith(door))
            for door in DOORS[library]
        ):
            yield library


@rule("from pathlib import Path\ntext = Path('x').read_text()", "schemas/chat.py")
def the_ground_floor_does_no_input_or_output(module: Module) -> Iterator[str]:
    if module.package == "schemas":
        yield from module.imported_roots() & NOT_ON_THE_GROUND_FLOOR
        yield from (name for name, _ in module.calls() if name in {"open", "print", "input"})


@rule("value = ast.literal_eval(text)", "schemas/reader.py")
def nothing_executes_foreign_text(module: Module) -> Iterator[str]:
    yield from (f"{name}() in line {call.lineno}" for name, call in module.calls() if name in FORBIDDEN_CALLS)


@rule("model = load(name, trust_remote_code=flag)", "serving/local_model.py")
def remote_code_is_never_trusted(module: Module) -> Iterator[str]:
    for name, call in module.calls():
        for word in call.keywords:
            if word.arg == "trust_remote_code" and ast.unparse(word.value) != "False":
                yield f"{name}() in line {call.lineno}"


@rule("import pyarrow.json", "pipelines/ingest.py")
def no_module_that_executes_or_crashes_on_foreign_bytes(module: Module) -> Iterator[str]:
    for name in module.imported():
        yield from (bad for bad in FORBIDDEN_MODULES if f"{name}.".startswith(f"{bad}."))


@rule("spark.read.option('mode', 'dropMalformed')", "pipelines/ingest.py")
def no_reader_drops_what_it_cannot_read(module: Module) -> Iterator[str]:
    yield from LOSSY_READING.findall(module.source)


@rule("root = __file__", "schemas/catalog/tasks.py")
def package_data_is_found_inside_a_zip_too(module: Module) -> Iterator[str]:
    yield from (
        node.id for node in ast.walk(module.tree) if isinstance(node, ast.Name) and node.id == "__file__"
    )


@rule("home = '/home/someone/lake'", "jobs/demo.py")
def nothing_names_a_machine_or_an_unfinished_thought(module: Module) -> Iterator[str]:
    yield from ONE_MACHINE_OR_UNFINISHED.findall(module.source)


@rule("'''Things.'''", "pipelines/utils.py")
def a_name_says_the_subject(module: Module) -> Iterator[str]:
    yield from VAGUE_NAMES & set(module.parts)


@rule("x = 1", "pipelines/routing.py")
def a_module_opens_with_a_sentence(module: Module) -> Iterator[str]:
    if not ast.get_docstring(module.tree):
        yield "no docstring"


@rule("'''Long.'''\n" + "x = 1\n" * MAX_LINES, "pipelines/routing.py")
def a_module_has_one_subject(module: Module) -> Iterator[str]:
    num_lines = len(module.source.splitlines())
    if num_lines > MAX_LINES:
        yield f"{num_lines} lines"


@rule("'''Long.'''\n" + "x = 1\n" * MAX_LINES_OF_A_JOB, "jobs/route_conversations.py")
def a_job_is_a_table_of_contents(module: Module) -> Iterator[str]:
    num_lines = len(module.source.splitlines())
    if module.is_job and num_lines > MAX_LINES_OF_A_JOB:
        yield f"{num_lines} lines"


@rule("'''Routes.'''\ndef main(): ...", "jobs/route_conversations.py")
def a_job_is_config_and_run_and_main(module: Module) -> Iterator[str]:
    if module.is_job:
        yield from {"Config", "run", "main", "job"} - module.defined()


@rule("'''Queue.'''", "jobs/queue.py")
def no_job_shadows_a_module(module: Module) -> Iterator[str]:
    """spark-submit puts jobs/ first on the path: a file there hides every module of its name."""
    if module.package == "jobs" and len(module.parts) == 2:
        yield from {module.parts[1]} & ({*MAY_IMPORT, *sys.stdlib_module_names} | LIBRARIES)


@rule("__all__ = ['gone']", "schemas/chat.py")
def what_is_exported_exists_once(module: Module) -> Iterator[str]:
    exported = module.exported() or []
    yield from set(exported) - module.defined()
    yield from {name for name in exported if exported.count(name) > 1}


@rule("from jobs._main import OUR_PACKAGES", "jobs/demo.py")
def only_what_is_exported_is_imported(module: Module) -> Iterator[str]:
    for name in module.imported():
        source, _, taken = name.rpartition(".")
        exported = BY_DOTTED_NAME[source].exported() if source in BY_DOTTED_NAME else None
        if exported is not None and taken not in exported and name not in BY_DOTTED_NAME:
            yield name


@pytest.mark.parametrize("found", [found for found, _ in RULES], ids=lambda found: found.__name__)
def test_every_module_keeps_the_rule(found: Rule) -> None:
    broken = {module.name: wrong for module in MODULES if (wrong := sorted(set(found(module))))}
    assert broken == {}


@pytest.mark.parametrize(("found", "planted"), RULES, ids=lambda value: getattr(value, "__name__", ""))
def test_the_rule_sees_a_module_that_breaks_it(found: Rule, planted: Module) -> None:
    assert list(found(planted))


def test_there_are_modules_to_look_at() -> None:
    assert {module.package for module in MODULES} >= set(PACKAGES)
    assert any(module.is_job for module in MODULES)


def test_every_top_level_folder_is_known() -> None:
    assert {name.partition("/")[0] for name in tracked("*") if "/" in name} <= TOP_LEVEL_FOLDERS


def test_every_package_is_in_the_wheel_typed_and_imported_from_here() -> None:
    listed = "packages = [" + ", ".join(f'"{name}"' for name in PACKAGES) + "]"
    assert (ROOT / "pyproject.toml").read_text(encoding="utf-8").count(listed) == 2  # the wheel's and mypy's
    for name in PACKAGES:
        assert (ROOT / name / "py.typed").exists()
        assert Path(str(importlib.import_module(name).__file__)).parent == ROOT / name


@pytest.mark.parametrize(
    "name", [*tracked("*.md"), *tracked("Makefile"), *tracked("*.toml"), *tracked(".ci/*")]
)
def test_no_text_names_a_machine_or_an_unfinished_thought(name: str) -> None:
    assert not ONE_MACHINE_OR_UNFINISHED.findall((ROOT / name).read_text(encoding="utf-8"))
