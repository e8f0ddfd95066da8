"""The laws of the language, on any graph and any text that Hypothesis can think of."""

from __future__ import annotations

import ast
import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.workflow import canonical, from_python, inspect, read, to_python, write
from tests.schemas.workflow.strategies import documents

SIGNATURE = "0" * 64
quick = settings(deadline=None, suppress_health_check=list(HealthCheck))


def export(document: dict[str, Any]) -> str:
    return f"{SIGNATURE}:" + json.dumps(document, ensure_ascii=False, separators=(",", ":"))


@quick
@given(documents())
def test_any_export_comes_back_byte_for_byte_through_python(document: dict[str, Any]) -> None:
    text = export(document)
    found = inspect(text)
    assert [problem for problem in found.problems if problem.severity == "error"] == []
    assert (found.spelling, found.exact, found.semantic) == ("flow", True, True)
    ast.parse(found.python)
    assert to_python(from_python(found.python)) == found.python


@quick
@given(documents(), st.sampled_from(["flow", "cli"]))
def test_a_new_spelling_means_the_same_workflow(document: dict[str, Any], spelling: str) -> None:
    first = read(export(document))
    again = read(write(first.workflow, first.layout, "flow"))
    assert canonical(again.workflow) == canonical(first.workflow)
    fresh = write(first.workflow, None, "flow")
    assert canonical(read(fresh).workflow) == canonical(first.workflow)
    assert write(first.workflow, None, "flow") == fresh


@quick
@given(documents(), st.sampled_from([None, 2, 4]), st.booleans())
def test_white_space_and_escapes_of_agent_text_come_back(
    document: dict[str, Any], indent: int | None, ascii_only: bool
) -> None:
    text = json.dumps(document, ensure_ascii=ascii_only, indent=indent) + "\n"
    found = inspect(text)
    assert (found.exact, found.semantic, found.problems) == (True, True, found.problems)
