"""What is wrong with a workflow, in words that a person or a model can act on."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal, TypeAlias

Severity: TypeAlias = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong and where.

    `code` is one of Shopify's own (Flow format section 12) where one fits. `path` is a JSON pointer into the
    file, or `line:column` of Python; `step` is the step's id as the file spells it, and `field` the config
    field, both empty where the problem is not one's own.
    """

    code: str
    severity: Severity
    step: str
    path: str
    message: str
    field: str = ""

    def to_dict(self) -> dict[str, str]:
        return asdict(self)
