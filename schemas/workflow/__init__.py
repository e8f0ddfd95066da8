"""The workflow language: one tree, three JSON spellings, Python.

    document = read(text)                                   # a .flow export, an agent or CLI configuration
    source = to_python(document.workflow)                   # what a model reads and writes
    write(from_python(source), document.layout) == text     # exact: the bytes come back
    from_python(source) == document.workflow                # semantic: the text alone means the same

Lossless or refused: what cannot be carried raises `WorkflowRefused` with its place. `inspect` does all of it
at once and never raises for bad input.

| module | subject |
|---|---|
| `model`, `layout` | what a workflow means; everything else that a file holds |
| `alignment`, `arrangement`, `fresh` | edits: which step is which, array order, ids and places of new steps |
| `difference` | what two workflows differ in, for a person |
| `jsontext`, `whitespace` | JSON read strictly and written back to the same bytes; around an edit too |
| `document_checks`, `documents`, `plain`, `spell` | the three JSON spellings in and out |
| `values`, `patched`, `recurrence` | config values, patched fields, timetables |
| `condition_tree`, `condition_ast`, `condition_text` | conditions: normal form, two spellings |
| `condition_refit` | an edited condition in the tree that its file had |
| `check`, `checks`, `problems` | Flow's own rules: what is wrong with a workflow that can be read |
| `condition_check` | the same rules for one condition by itself |
| `graph` | the graph as blocks, and canonical order |
| `names`, `scope`, `pretty`, `python_values`, `python_writer` | tree to Python |
| `python_door`, `python_reader`, `python_expressions`, `python_literals` | Python to tree |
| `environment`, `added_fields` | what each step may use, and the type behind each path |
| `output_schema`, `graphql_text` | the GraphQL inside a Run code step |
| `inspection`, `descriptor` | the round-trip gate; a workflow's kind in one line |
"""

from schemas.errors import WorkflowRefused
from schemas.workflow.check import check
from schemas.workflow.condition_check import require_valid
from schemas.workflow.documents import Document, read
from schemas.workflow.inspection import LANGUAGE_VERSION, Inspection, canonical, inspect
from schemas.workflow.layout import Layout
from schemas.workflow.model import Workflow
from schemas.workflow.problems import Problem
from schemas.workflow.python_reader import from_python
from schemas.workflow.python_writer import to_python
from schemas.workflow.spell import SPELLINGS, write

__all__ = [
    "LANGUAGE_VERSION",
    "SPELLINGS",
    "Document",
    "Inspection",
    "Layout",
    "Problem",
    "Workflow",
    "WorkflowRefused",
    "canonical",
    "check",
    "from_python",
    "inspect",
    "read",
    "require_valid",
    "to_python",
    "write",
]
