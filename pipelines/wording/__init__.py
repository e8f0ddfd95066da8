"""Requests in words, made from workflows by a grammar: offline, and the same words for the same workflow.

    create_request(workflow, wording)    # what a merchant could have typed to get it
    edit_request(workflow, wording)      # a change of one literal, and the workflow that it leads to
    question_request(workflow, wording)  # a question about a task, and its answer

`wording` is a number below `NUM_WORDINGS`; each is a style of its own.
"""

from __future__ import annotations

from pipelines.wording.edits import digest_of, edit_request
from pipelines.wording.questions import asked_task, question_request
from pipelines.wording.requests import create_request
from pipelines.wording.styles import NUM_WORDINGS

__all__ = ["NUM_WORDINGS", "asked_task", "create_request", "digest_of", "edit_request", "question_request"]
