"""What others recorded, as our conversation events.

    imported = import_files(files, "openai", ImportPolicy(shop="7", time="2026-11-22T08:30:00Z"), folder)

| module | subject |
|---|---|
| `exchanges` | one call of a model, whatever log told of it; what an import may be told by flags |
| `chat_messages`, `response_items` | messages of OpenAI's two APIs in the form of `schemas.chat` |
| `streamed_answers` | answers that came in pieces |
| `openai_logs` | lines of requests and responses, stored `messages`, fine-tuning files |
| `otlp` | spans and log records of OpenTelemetry, from OTLP/JSON or one a line |
| `genai_spans` | those of the GenAI conventions to calls of a model |
| `threads` | calls that repeat their history to conversations that do not |
| `told` | the contract under which a call was made |
| `imports`, `files` | all of it: files in, one file of events and one report out |

A log that is imported twice, into one folder, gives the same bytes. A line that cannot be read keeps its
reason in the report, and what is read but has no place in an event is counted there by its name.
"""
