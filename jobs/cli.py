"""`sidewheel`: the one public command.

What a command needs is imported when it runs, and help is plain text: so help comes at once.
"""

from __future__ import annotations

import ast
import importlib
import importlib.resources
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperGroup

from jobs._main import exit_code
from schemas.errors import UsageError

__all__ = ["app", "job_names", "main"]

EXIT_BROKEN_PIPE = 141
"""What a shell reports for a program that wrote to a closed pipe."""


class _Group(TyperGroup):
    """Takes `curate-workflows` for `curate_workflows`; shows commands and jobs apart, in whole sentences."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return super().get_command(ctx, cmd_name.replace("-", "_"))

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        told = {name: (self.get_command(ctx, name).help or "") for name in self.list_commands(ctx)}
        jobs = {name: sentence for name, sentence in told.items() if "_" in name}
        for title, names in (("Commands", told.keys() - jobs.keys()), ("Jobs", jobs.keys())):
            with formatter.section(title):
                formatter.write_dl([(name, sentence) for name, sentence in told.items() if name in names])


app = typer.Typer(
    name="sidewheel",
    cls=_Group,
    add_completion=False,
    rich_markup_mode=None,
    help="Turns workflows and conversations into training data. Each command has its own --help.",
)


def _show_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"sidewheel {version('sidewheel')}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None: ...


@app.command()
def demo(
    output: Annotated[str, typer.Option(help="Folder for the demo's records and lake.")] = "demo",
    num: Annotated[int, typer.Option(min=1, help="How many records to generate for each week.")] = 2000,
    steps: Annotated[int, typer.Option(min=1, help="Steps of training in each turn.")] = 12,
    num_merchants: Annotated[int, typer.Option(min=1, help="How many simulated merchants ask.")] = 36,
    num_evaluated: Annotated[int, typer.Option(min=1, help="How many held-out requests are asked.")] = 8,
    inputs: Annotated[
        list[str] | None, typer.Option("--input", help="A file, folder or URI of your own to ingest too.")
    ] = None,
) -> int:
    """Turn the loop twice on generated workflows and simulated merchants."""
    from jobs import demo as work

    return work.demo(
        output=output,
        num=num,
        steps=steps,
        num_merchants=num_merchants,
        num_evaluated=num_evaluated,
        inputs=tuple(inputs or ()),
    )


@app.command()
def turn(
    week: Annotated[str, typer.Option(help="ISO week of this turn, such as 2026-W47.")],
    lake: Annotated[str, typer.Option(help="Folder or URI of the lake.")] = "lake",
    inputs: Annotated[
        list[str] | None, typer.Option(help="A file, folder or URI of workflows; give it again for more.")
    ] = None,
    events: Annotated[str | None, typer.Option(help="Folder or URI of recorded conversations.")] = None,
    checkpoints: Annotated[
        str, typer.Option(help="Folder of the tokenizer and the checkpoints.")
    ] = "checkpoints",
    recipe: Annotated[str, typer.Option(help="Name of the recipe to train by.")] = "tiny_cpu",
    steps: Annotated[int | None, typer.Option(min=1, help="Training steps, if not the recipe's.")] = None,
    wordings: Annotated[int, typer.Option(min=1, help="Requests to write per workflow.")] = 2,
    num_evaluated: Annotated[
        int | None, typer.Option(min=1, help="Held-out requests to evaluate, if not all.")
    ] = None,
    accept_unknown_runs: Annotated[
        bool, typer.Option("--accept-unknown-runs", help="Take workflows that say nothing of their runs.")
    ] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Print the commands and run none.")] = False,
) -> int:
    """Turn the loop once: workflows and conversations in, an evaluated checkpoint out."""
    from jobs import turn as work

    options = work.Options(
        week=week,
        lake=lake,
        inputs=tuple(inputs or ()),
        events=events,
        checkpoints=checkpoints,
        recipe=recipe,
        steps=steps,
        wordings=wordings,
        num_evaluated=num_evaluated,
        accept_unknown_runs=accept_unknown_runs,
    )
    return work.run_turn(options, plan=plan)


@app.command()
def ask(
    request: Annotated[str, typer.Argument(metavar="REQUEST", help="What should happen, in words.")],
    model: Annotated[
        str | None,
        typer.Option(
            help="Rules in a model's place (scripted, which is the default), or the base URL of a server."
        ),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the server's model.")] = None,
    checkpoint: Annotated[str | None, typer.Option(help="Folder of a checkpoint to ask instead.")] = None,
    workflow: Annotated[
        str | None, typer.Option(help="File of a workflow to change, in any spelling; - is standard input.")
    ] = None,
    record: Annotated[str | None, typer.Option(help="Folder for the events of the conversation.")] = None,
    stream: Annotated[
        bool, typer.Option("--stream", help="Have the server send its answer in pieces.")
    ] = False,
    seconds: Annotated[float, typer.Option(min=0.001, help="The longest that the answer may take.")] = 120.0,
    full: Annotated[bool, typer.Option("--full", help="Print the tools' answers uncut.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> int:
    """Ask the agent for a workflow, and show its calls, the Python, the JSON and a simulated run.

    Exit 0 with an answer, with or without a workflow (without one workflow_id is null in the JSON);
    75 where the model cannot be reached or the time is up; 1 where it ended otherwise; 2 for wrong usage.
    """
    from jobs import ask as work

    asked = work.Asked(
        request=request,
        model=model,
        name=name,
        checkpoint=checkpoint,
        workflow=workflow,
        record=record,
        stream=stream,
        seconds=seconds,
        full=full,
        as_json=as_json,
    )
    return work.ask(asked)


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> int:
    """Look at Java, jars, disk, memory and versions, and say how to fix what is wrong."""
    from jobs import doctor as work

    return work.doctor(as_json=as_json)


@app.command()
def transpile(
    file: Annotated[str, typer.Argument(help="A workflow in any spelling; - is standard input.")],
    to: Annotated[Literal["python", "flow", "agent", "cli"], typer.Option(help="The spelling to write.")],
    layout: Annotated[
        str | None,
        typer.Option(help="File of ids, positions and notes: written from JSON, read back with Python."),
    ] = None,
) -> int:
    """Translate a workflow between its spellings; the result goes to standard output."""
    from jobs import transpile as work

    return work.transpile(file, to=to, layout_path=layout)


@app.command()
def check(
    paths: Annotated[list[str], typer.Argument(metavar="PATH", help="Files, or folders to search.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> int:
    """Round-trip workflow files and hold them to Flow's rules; exit 0 only if all are lossless and sound."""
    from jobs import check as work

    return work.check(paths, as_json=as_json)


@app.command()
def diff(
    before: Annotated[str, typer.Argument(metavar="A", help="A workflow in any spelling.")],
    after: Annotated[str, typer.Argument(metavar="B", help="Another; - is standard input.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> int:
    """Say how two workflows differ in meaning; exit 0 only if they do not."""
    from jobs import diff as work

    return work.diff(before, after, as_json=as_json)


@app.command()
def equivalent(
    before: Annotated[str, typer.Argument(metavar="A", help="A workflow in any spelling.")],
    after: Annotated[str, typer.Argument(metavar="B", help="Another; - is standard input.")],
    seed: Annotated[int, typer.Option(min=0, help="Seed of the events.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> int:
    """Run two workflows on the same events; exit 0 only if no event shows a difference."""
    from jobs import equivalent as work

    return work.equivalent(before, after, seed=seed, as_json=as_json)


@app.command()
def simulate(
    file: Annotated[str, typer.Argument(help="A workflow in any spelling; - is standard input.")],
    event: Annotated[
        str | None,
        typer.Option(
            help='File of the event: {"roots": {"order": {...}}, "time": "2026-11-02T00:00:00Z"}. Without it '
            "one is made up, which --json prints as `event`."
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Seed of the event that is made up, and of the shop.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> int:
    """Run a workflow on an event and show what it would do; nothing is sent or changed."""
    from jobs import simulate as work

    return work.simulate(file, event_file=event, seed=seed, as_json=as_json)


@app.command()
def query(
    sql: Annotated[
        str | None,
        typer.Argument(
            metavar="SQL", help="SQL, or the name of a query that ships; left out, it lists them."
        ),
    ] = None,
    lake: Annotated[str, typer.Option(help="Folder or URI of the lake.")] = "lake",
    form: Annotated[
        Literal["table", "csv", "json", "parquet"], typer.Option("--format", help="How to print the answer.")
    ] = "table",
    output: Annotated[str | None, typer.Option(help="File to write instead of standard output.")] = None,
) -> int:
    """Ask the lake with SQL (DuckDB); one view per table."""
    from jobs import query as work

    return work.query(sql, lake=lake, form=form, output=output)


@app.command()
def show(
    conversation: Annotated[
        str | None, typer.Argument(metavar="ID", help="Beginning of an id; left out, it lists some.")
    ] = None,
    lake: Annotated[str, typer.Option(help="Folder or URI of the lake.")] = "lake",
    full: Annotated[bool, typer.Option("--full", help="Print the tools' answers uncut.")] = False,
) -> int:
    """Print one conversation of the lake in full, or list the newest."""
    from jobs import show as work

    return work.show(conversation, lake=lake, full=full)


@app.command()
def lake(
    lake: Annotated[str, typer.Option(help="Folder or URI of the lake.")] = "lake",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> int:
    """Print what is in a lake: rows, files, sizes, ages, fates, shard sets, erasures."""
    from jobs import lake as work

    return work.show_lake(lake, as_json=as_json)


@app.command()
def serve(
    checkpoint: Annotated[str, typer.Option(help="Folder of the checkpoint, as training leaves it.")],
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen at; 0 takes a free one.")
    ] = 8089,
    record: Annotated[str, typer.Option(help="Folder for the events of conversations.")] = "events",
    durable: Annotated[bool, typer.Option("--durable", help="Wait for the disk after every event.")] = False,
    record_kafka: Annotated[
        str | None, typer.Option(help="HOST:PORT/TOPIC of Kafka, for the events instead of a folder.")
    ] = None,
) -> int:
    """Serve a checkpoint as an OpenAI-compatible API and as an agent; record its conversations."""
    from jobs import serve as work

    return work.serve(
        checkpoint, host=host, port=port, record=record, durable=durable, record_kafka=record_kafka
    )


def job_names() -> dict[str, str]:
    """Every job (a file named `verb_object`) and its sentence, read without importing it."""
    return dict(_jobs())


def _jobs() -> Iterator[tuple[str, str]]:
    for file in sorted(importlib.resources.files("jobs").iterdir(), key=lambda file: file.name):
        name = file.name.removesuffix(".py")
        if name != file.name and "_" in name.strip("_") and not name.startswith("_"):
            yield name, _sentence_of(name)


def _sentence_of(name: str) -> str:
    file = importlib.resources.files("jobs") / f"{name}.py"
    told = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return told.split("\n\n")[0].replace("\n", " ")


def _job_command(name: str) -> Callable[[typer.Context], int]:
    def run(ctx: typer.Context) -> int:
        code: int = importlib.import_module(f"jobs.{name}").main(ctx.args)
        return code

    return run


_ONE_WORD = ("erase",)
"""Jobs in all but their name."""

for _name, _sentence in (*_jobs(), *((name, _sentence_of(name)) for name in _ONE_WORD)):
    app.command(
        _name,
        help=_sentence,
        add_help_option=False,
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    )(_job_command(_name))


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Returns its exit code; nothing but a bug leaves a traceback."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        code = exit_code("sidewheel", lambda: _invoke(arguments or ["--help"]))
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader left (`| head`): whatever is still buffered has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_BROKEN_PIPE
    return code


def _invoke(arguments: list[str]) -> int:
    command = typer.main.get_command(app)
    try:
        with command.make_context("sidewheel", arguments) as context:
            code: int | None = command.invoke(context)
            return code or 0
    except typer.Exit as stopped:
        return stopped.exit_code
    except typer.TyperException as wrong:
        said = wrong.format_message().rstrip(".").replace("Value error, ", "")
        raise UsageError(f"{said} (see sidewheel --help).") from wrong


if __name__ == "__main__":
    sys.exit(main())
