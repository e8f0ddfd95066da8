"""The rules of Flow, a subject a module; `schemas.workflow.check` runs them all.

Each rule is a generator of `Finding`s over one workflow and its `Surroundings`, and none raises: a workflow
that can be read can be checked.

| module | subject |
|---|---|
| `findings` | one finding, and the words that all rules share |
| `places`, `surroundings` | the type at the end of a path, and what each step may name |
| `structure` | links, ports, the trigger, names |
| `fields`, `references` | tasks, versions, config fields; paths in them |
| `conditions` | operators, literals and lists of conditions |
| `liquid_text`, `liquid` | Liquid read, and held to what Flow's Liquid can do |
| `timetables` | when a scheduled trigger runs |
| `selections`, `run_code` | a query read, and what a code step asks for and gives |
| `api_calls`, `get_data` | mutations of the Admin API, and sort keys |
"""
