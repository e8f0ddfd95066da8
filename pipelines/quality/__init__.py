"""Is a table as it should be? Measured in one pass, judged by Great Expectations, and published only then.

A batch job writes its tables through a `Publisher`; what a stream writes is judged by `judge_lake` at will,
never inside a micro-batch. `schemas.row_rules` says what is asked of a row, `expectations` what is asked of
a batch, `plans` what is particular to a table.
"""

from pipelines.quality.expectations import QualityPolicy
from pipelines.quality.judging import Judged, judge_lake
from pipelines.quality.publishing import Publisher

__all__ = ["Judged", "Publisher", "QualityPolicy", "judge_lake"]
