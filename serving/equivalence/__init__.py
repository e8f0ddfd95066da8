"""Whether two workflows mean the same: `equivalent(a, b)` runs both and shows an event where they part."""

from serving.equivalence.compare import Coverage, Verdict, covered_by, equivalent
from serving.equivalence.counterexample import Counterexample

__all__ = ["Counterexample", "Coverage", "Verdict", "covered_by", "equivalent"]
