"""The mirror gate: would a training build show the model exactly what production shows it?

| module | what it holds |
|---|---|
| `differences` | what can differ and its exact name; two contracts compared; what was renamed |
| `answers` | one recorded answer against the contract's response parts, and against what today's tools say |
| `exchanges` | the calls and answers of a conversation, from events or messages, each examined |
| `again` | the same calls asked of today's tools, in a shop that gives the recorded ids |
| `migration` | the messages of a conversation brought to today's contract, or the reason why not |
| `gate` | all of it over a lake or a folder of events |
| `report` | the differences found, most frequent first, as text and as JSON |

Everything but `gate` is pure functions of one conversation and two contracts.
"""
