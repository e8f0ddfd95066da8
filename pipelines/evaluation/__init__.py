"""Evaluation: held-out conversations asked again of a trained model, of one untrained, of a script.

| module | subject |
|---|---|
| `held_out` | what a shard set holds out: the request, what was said before, the workflow that is wanted |
| `scoring` | what a conversation came to, as a pure function; intervals of rates |
| `entrants` | who is asked, within one budget, and a row for whatever happens |
| `stored` | what the lake holds already is not asked again |
| `report` | rows as a table for people |

Not here yet: judges, several answers to one request, and a comparison of two trained models.
"""
