"""The scripted model: rules of English that build workflows through the agent's tools, in a model's place.

    ScriptedModel().complete([{"role": "user", "content": "tag orders over 500 as VIP"}], CONTRACT, Budget())

| module | subject |
|---|---|
| `model` | one conversation: build, edit, answer, or say what was not understood |
| `text`, `comparisons`, `reading`, `vocabulary` | English to a wish |
| `clauses` | why a sentence of several clauses is no single wish |
| `calls`, `building`, `writing` | a wish to tool calls and Python |
| `editing` | a change of a literal in a workflow that exists |

It is no model, and its name says so wherever it speaks.
"""

from serving.scripted_model.model import ScriptedModel

__all__ = ["ScriptedModel"]
