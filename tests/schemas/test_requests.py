from __future__ import annotations

import pytest

from schemas.requests import request_kind_of


@pytest.mark.parametrize(
    ("request_text", "follows_workflow", "kind"),
    [
        ("Tag orders over 500 as VIP", False, "create"),
        ("When an order is created, tag it as new.", False, "create"),
        ("Could you tag orders over 500?", False, "create"),
        ("  What does Send email do?", False, "question"),
        ("How can I test a workflow?", True, "question"),
        ("what does send email do", False, "question"),
        ("Please tell me what Flow is", False, "question"),
        ("Can I turn it on later?", True, "question"),
        ("When does it run?", True, "question"),
        ("When an order is paid, could you tag it?", False, "create"),
        ("What should happen whenever an order is paid is below.", False, "create"),
        ("Tell me when an order is paid", False, "create"),
        ("Can you explain more in the subject?", True, "edit"),
        ("Change the tag to gold.", True, "edit"),
        ("Can you use another subject?", True, "edit"),
        ("", False, "create"),
    ],
)
def test_the_kind_follows_from_the_words(request_text: str, follows_workflow: bool, kind: str) -> None:
    assert request_kind_of(request_text, follows_workflow=follows_workflow) == kind
