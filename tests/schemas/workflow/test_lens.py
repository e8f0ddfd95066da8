"""The edit lens: Python that was edited, written over the file it came from.

The laws hold for any edit of any file: no edit gives the bytes back; what is written means what the Python
says, and nothing that the edit did not touch changes.
"""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from schemas.errors import WorkflowRefused
from schemas.workflow import Layout, canonical, from_python, read, to_python, write
from tests.schemas.workflow.small import compact
from tests.schemas.workflow.strategies import documents

SIGNATURE = "0" * 64
quick = settings(
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.reuse, Phase.generate],
    report_multiple_bugs=False,
)


def spelled(document: dict[str, Any], spelling: str) -> str:
    if spelling == "flow":
        return f"{SIGNATURE}:{compact(document)}"
    return json.dumps(document, ensure_ascii=False, indent=None if spelling == "agent" else 2)


OPTIONAL = ("step_position", "config_field_values", "description", "note", "name")


@st.composite
def loose(draw: st.DrawFn) -> dict[str, Any]:
    """A document that leaves optional keys out and has the others in any order."""
    document = draw(documents())
    root = document["root"]
    for part in (*root["steps"], *root["links"]):
        gone = draw(st.sets(st.sampled_from(OPTIONAL)))
        entries = {key: value for key, value in part.items() if key not in gone}
        part.clear()
        part.update((key, entries[key]) for key in draw(st.permutations(sorted(entries))))
    if draw(st.booleans()):
        del root["workflow_name"]
    return document


DOCUMENT = st.one_of(documents(), loose())
SPELLING = st.sampled_from(["flow", "agent", "agent indented"])


@quick
@given(DOCUMENT, DOCUMENT, SPELLING)
def test_whatever_the_edit_the_file_means_what_the_python_says(
    before: dict[str, Any], after: dict[str, Any], spelling: str
) -> None:
    """The hardest edit: another workflow altogether."""
    found, wanted = read(spelled(before, spelling)), read(spelled(after, spelling)).workflow
    try:
        text = write(from_python(to_python(wanted)), Layout.from_json(found.layout.to_json()))
    except WorkflowRefused as refusal:  # an operator that condition text has no word for
        assert (spelling == "flow", refusal.code) == (False, "INVALID_CONDITION_VALUE")
        return
    assert canonical(read(text).workflow) == canonical(wanted)
    assert write(wanted, found.layout) == text
