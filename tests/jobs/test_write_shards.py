"""From a pool to shards to what training reads: nothing private, nothing foreign, nothing held out."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

pytestmark = pytest.mark.spark

from pyspark.sql import SparkSession  # noqa: E402

from jobs import train_tokenizer, write_shards  # noqa: E402
from pipelines.lake import Lake  # noqa: E402
from schemas.chat import render, render_fingerprints, render_text  # noqa: E402
from schemas.errors import UsageError  # noqa: E402
from schemas.shards import MANIFEST, is_held_out  # noqa: E402
from schemas.tables import GOLD_FATES, SILVER_CONVERSATIONS, SILVER_SYNTHETIC  # noqa: E402
from schemas.tokens import JsonTokenizer  # noqa: E402
from schemas.tools import CONTRACT  # noqa: E402
from schemas.workflow import from_python  # noqa: E402
from schemas.workflow.descriptor import descriptor_of  # noqa: E402
from tests.pipelines.pool_rows import (  # noqa: E402
    SHOP,
    WEEK,
    WORKFLOW,
    Row,
    fate,
    id_of,
    lake_table,
    of_workflow,
    recorded,
    synthetic,
)
from tests.pipelines.test_shards import files_of  # noqa: E402
from tests.schemas.conversations import tokenizer_json  # noqa: E402
from training.shards import TokenView, open_view  # noqa: E402
from training.tokenizer import train_tokenizer as bytes_of_tokenizer  # noqa: E402


def test_the_job_writes_a_set_once_mends_it_and_tells_of_no_shop(
    spark: SparkSession, lake: Lake, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tokenizer = tmp_path / "tokenizer.json"
    argv = ["--lake", lake.root, "--week", WEEK, "--tokenizer", str(tokenizer), "--held-out-share", "0"]
    assert write_shards.main(argv) == 2
    said = capsys.readouterr().err
    assert said == (
        f"write_shards: There is no tokenizer {tokenizer}; run train_tokenizer --output {tokenizer} first.\n"
    )
    tokenizer.write_bytes(tokenizer_json())
    assert write_shards.main(argv) == 2
    assert f"Week {WEEK} has no fates yet; run curate_workflows" in capsys.readouterr().err
    fates = [fate(id_of(f"workflow {n}")) for n in range(2)] + [fate(id_of("workflow 2"), "quarantine")]
    fates.append(fate(id_of("talk"), kind="conversation"))
    lake.append(lake_table(spark, GOLD_FATES, *fates), GOLD_FATES)
    made = [*map(synthetic, range(3)), synthetic("old", of=1, contract="0" * 64)]
    lake.append(lake_table(spark, SILVER_SYNTHETIC, *made), SILVER_SYNTHETIC)
    lake.append(lake_table(spark, SILVER_CONVERSATIONS, recorded("talk")), SILVER_CONVERSATIONS)
    assert write_shards.main(argv) == 0
    line = capsys.readouterr().out
    assert line.startswith(
        f"write_shards week={WEEK} pool=4 rows=3 held_out=0 left_out_other_contract=1 shards=2 content="
    )
    [folder] = (Path(lake.root) / "gold" / "shards").iterdir()
    first = files_of(folder)
    [shard] = folder.glob("data/train*")
    table = pq.read_table(shard)
    assert sorted(table["python"].to_pylist()) == ["python 0", "python 1", "python talk"]
    for private in (SHOP, WORKFLOW, "talk-talk"):
        assert not any(private.encode() in content for content in first.values())
        assert private not in str(table.to_pylist())
    manifest = json.loads(first[MANIFEST])
    assert manifest["num_by_source"] == {"recorded": 1, "synthetic": 2}
    assert manifest["left_out"] == {"OTHER_CONTRACT": 1}
    assert manifest["policy_versions"] == ["conversation_policy_v1", "workflow_policy_v1"]
    shard.write_bytes(b"bit rot")
    assert write_shards.main(argv) == 0
    assert files_of(folder) == first
    assert capsys.readouterr().out.split(" seconds=")[0] == line.split(" seconds=")[0]


# -- the arrow from the pool to training ----------------------------------------------------------------

SHARE = 0.3
TRIGGERS = ("order_created", "order_paid", "order_fulfilled", "order_canceled")


def trajectories() -> list[Row]:
    """Real ones, of workflows of different shapes."""
    action = '    add_order_tags(order_id=order.id, tags=["vip"])\n'
    made = []
    for trigger in TRIGGERS:
        for count in (1, 2, 3):
            python = f"@{trigger}\ndef tag_{count}(order):\n{action * count}"
            made.append(of_workflow(f"{trigger}{count}", python, f"Tag {count} times at {trigger}"))
    return made


class Written:
    """A lake with shards of trajectories, and the tokenizer of their week."""

    def __init__(self, lake: Lake, folder: Path) -> None:
        self.rows = trajectories()
        fates = [fate(row["workflow_record_id"]) for row in self.rows]
        lake.append(lake_table(lake.spark, GOLD_FATES, *fates), GOLD_FATES)
        lake.append(lake_table(lake.spark, SILVER_SYNTHETIC, *self.rows), SILVER_SYNTHETIC)
        self.tokenizer = folder / "checkpoints/tokenizer.json"
        self.pool = ["--lake", lake.root, "--week", WEEK, "--held-out-share", str(SHARE)]
        self.learn = [*self.pool, "--output", str(self.tokenizer), "--num-tokens", "600"]
        assert train_tokenizer.main(self.learn) == 0
        assert write_shards.main([*self.pool, "--tokenizer", str(self.tokenizer)]) == 0
        [self.folder] = (Path(lake.root) / "gold/shards").iterdir()
        self.words = JsonTokenizer(self.tokenizer.read_bytes())

    def side(self, held_out: bool) -> list[Row]:
        return [row for row in self.rows if is_held_out(row["descriptor"], SHARE) is held_out]

    def view(self, **fingerprints: str) -> TokenView:
        names = render_fingerprints(CONTRACT, self.words) | fingerprints
        return open_view(self.folder, fingerprints=names, length=8192, num_tokens=self.words.num_tokens)


@pytest.fixture(scope="module")
def written(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Written:
    folder = tmp_path_factory.mktemp("written")
    return Written(Lake(spark, folder / "lake"), folder)


def test_training_reads_what_the_renderer_makes_and_nothing_that_is_held_out(written: Written) -> None:
    view = written.view()
    found = sorted((ids.tolist(), mask.tolist()) for ids, mask in map(view.row, range(len(view))))
    rendered = [
        render(json.loads(row["messages"]), CONTRACT, written.words) for row in written.side(held_out=False)
    ]
    assert found == sorted((each.ids, each.mask) for each in rendered)
    assert 0 < len(found) < len(written.rows)
    manifest = json.loads((written.folder / MANIFEST).read_text())
    assert view.content_sha256 == manifest["content_sha256"]
    held = pq.read_table(written.folder / manifest["held_out"][0]["path"]).to_pylist()
    assert {row["record_id"] for row in held} == {row["record_id"] for row in written.side(held_out=True)}
    assert all(from_python(row["python"]) for row in held)
    assert {descriptor_of(from_python(row["python"])) for row in held} == {row["descriptor"] for row in held}


def test_the_tokenizer_is_learned_from_what_trains_and_nothing_else(written: Written) -> None:
    texts = [render_text(json.loads(row["messages"]), CONTRACT) for row in written.side(held_out=False)]
    assert written.tokenizer.read_bytes() == bytes_of_tokenizer(reversed(texts), num_tokens=600)
    assert [path.name for path in written.tokenizer.parent.iterdir()] == ["tokenizer.json"]


def test_a_tokenizer_that_is_there_is_kept(
    written: Written, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = written.tokenizer.read_bytes()
    assert train_tokenizer.main([*written.learn, "--num-tokens", "700"]) == 0
    assert capsys.readouterr().out.startswith(f"train_tokenizer week={WEEK} made=false tokens=600 ")
    assert written.tokenizer.read_bytes() == before
    other = tmp_path / "tokenizer.json"
    assert train_tokenizer.main([*written.pool, "--output", str(other), "--num-tokens", "600"]) == 0
    assert capsys.readouterr().out.startswith(f"train_tokenizer week={WEEK} made=true tokens=600 ")
    assert other.read_bytes() == before
    other.write_bytes(b"{")
    assert train_tokenizer.main([*written.pool, "--output", str(other)]) == 2
    assert "no tokenizer.json" in capsys.readouterr().err


def test_shards_of_another_contract_or_tokenizer_are_refused_by_name(written: Written) -> None:
    for name in ("contract", "tokenizer", "chat_template"):
        with pytest.raises(UsageError, match=rf": {name} is [0-9a-f]{{12}} there and 000000000000 here\. "):
            written.view(**{name: "0" * 64})


def test_a_changed_byte_in_a_written_shard_is_refused(written: Written) -> None:
    [path] = written.folder.glob("data/train-*")
    content = path.read_bytes()
    path.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
    try:
        with pytest.raises(UsageError, match=f"{path.name} is not the file"):
            written.view()
    finally:
        path.write_bytes(content)


@pytest.mark.parametrize(
    ("flag", "value", "said"),
    [
        ("--rows-per-shard", "0", "--rows-per-shard must be at least 1."),
        ("--held-out-share", "1", "--held-out-share must be from 0 to below 1."),
        ("--held-out-share", "-0.1", "--held-out-share must be from 0 to below 1."),
    ],
)
def test_a_wrong_flag_is_one_sentence(
    capsys: pytest.CaptureFixture[str], flag: str, value: str, said: str
) -> None:
    assert write_shards.main(["--lake", "x", "--week", WEEK, "--tokenizer", "t", f"{flag}={value}"]) == 2
    assert capsys.readouterr().err == f"write_shards: {said}\n"
