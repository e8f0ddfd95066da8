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

Shopify publishes the codes and not what each stands for (Flow format section 12), so these are our reading:

| code | says |
|---|---|
| CONFIG_FIELD_RESOLUTION_ERROR | a field that is missing or not there; Liquid that cannot be read |
| CONFIG_FIELD_PARTNER_VALIDATION_ERROR | a value against what its task allows: numbers, choices, timetables |
| CONFIG_FIELD_PATH_VALIDATION_ERROR | a path that leads nowhere, or to what the field cannot take |
| CONFIG_FIELD_NAME_RESOLUTION_ERROR | a name in Liquid that nothing fills |
| ..._EMPTY_WORKFLOW_VARIABLE | the output of a step that does not come before |
| ..._MAP_OVER_INVALID_TYPE | a loop over what is no list |
| ..._NON_PRIMITIVE | a whole object or list where one value is needed |
| CONFIG_FIELD_GRAPHQL_QUERY_ERROR | the query of a code step; the arguments of a mutation |
| CONDITION_INCOMPATIBILITY | a root that the trigger does not bring |
| CONDITION_RESOURCE_NOT_FOUND | a field that its type does not have |
| TASK_NOT_FOUND | an id that no task has; a task of another kind |
| TASK_NOT_AVAILABLE | a version that the task does not have |
"""
