"""Generates foreign input: dumps of production workflows in the real format, with planted bad rows.

Nothing here reads or writes through `schemas/workflow`: the generator is an independent oracle for it. Only
the catalogue is shared, for task ids and the types of paths.

A workflow is drawn as an *intent* (what a merchant wants), put together by `Build`, messed up by `compose`,
given a `Style` (spelling, age of the editor) and then spelled. `dump` makes records of it; `damage` breaks
some of them.

`language` is apart from this: it draws from the whole language, as trees of `schemas/workflow` and as files
that it spells itself.
"""

from __future__ import annotations

from pipelines.generator.damage import KINDS
from pipelines.generator.dump import BLOCK_LINES, Block, Plan, draw_block
from pipelines.generator.files import TRUTH_FILE, write_dump

__all__ = ["BLOCK_LINES", "KINDS", "TRUTH_FILE", "Block", "Plan", "draw_block", "write_dump"]
