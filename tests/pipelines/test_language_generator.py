"""The generator of the whole language, and the language held to it."""

from __future__ import annotations

import ast

from pipelines.generator.language import language_workflow
from schemas.workflow import canonical, from_python, graph, inspect, to_python


def test_valid_workflows_come_in_canonical_order_and_without_a_problem() -> None:
    for seed in range(300):
        workflow = language_workflow(seed)
        edges = [(link.source, link.port, link.target) for link in workflow.links]
        arranged = graph.structure([step.kind for step in workflow.steps], edges)
        assert (arranged.order, arranged.links) == (list(range(len(workflow.steps))), edges)
        python = to_python(workflow)
        assert ast.parse(python)
        assert canonical(from_python(python)) == canonical(workflow)
        assert inspect(python).problems == ()
