"""Order is a pure function: every epoch is each row once, ranks share it, a cursor goes on where it stood."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.order import Cursor, permutation, share, take

SEEDS = st.integers(0, 2**63)


@given(seed=SEEDS, epoch=st.integers(0, 1000), num_rows=st.integers(1, 200))
def test_an_epoch_is_each_row_once(seed: int, epoch: int, num_rows: int) -> None:
    assert sorted(permutation(seed, epoch, num_rows)) == list(range(num_rows))


def test_the_order_is_this_one() -> None:
    """Golden: the same on every machine and under every numpy, or runs cannot be repeated."""
    assert permutation(0, 0, 8).tolist() == [3, 2, 1, 6, 0, 7, 4, 5]
    assert permutation(0, 1, 8).tolist() != permutation(0, 0, 8).tolist()
    assert permutation(1, 0, 8).tolist() != permutation(0, 0, 8).tolist()


@pytest.mark.parametrize("num_ranks", [1, 2, 4])
@given(seed=SEEDS, num_rows=st.integers(1, 50), steps=st.integers(1, 12))
def test_ranks_share_every_step_and_skip_nothing(
    num_ranks: int, seed: int, num_rows: int, steps: int
) -> None:
    cursor = Cursor(seed=seed)
    seen: list[int] = []
    for _ in range(steps):
        rows, cursor = take(cursor, num_rows, 8)
        shares = [share(rows, rank, num_ranks) for rank in range(num_ranks)]
        assert {len(part) for part in shares} == {8 // num_ranks}
        assert [shares[n % num_ranks][n // num_ranks] for n in range(8)] == rows
        seen += rows
    epochs = [permutation(seed, epoch, num_rows).tolist() for epoch in range(8 * steps // num_rows + 1)]
    assert seen == [row for order in epochs for row in order][: 8 * steps]
    counts = Counter(seen)
    assert max(counts.values()) - min(counts[row] for row in range(num_rows)) <= 1
    assert cursor.epoch * num_rows + cursor.position == 8 * steps


@given(seed=SEEDS, num_rows=st.integers(1, 30), counts=st.lists(st.integers(0, 40), max_size=6))
def test_a_cursor_is_all_that_a_resumed_run_needs(seed: int, num_rows: int, counts: list[int]) -> None:
    whole, end = take(Cursor(seed=seed), num_rows, sum(counts))
    pieces: list[int] = []
    cursor = Cursor(seed=seed)
    for count in counts:
        stored = (cursor.seed, cursor.epoch, cursor.position)
        resumed = Cursor(seed=stored[0], epoch=stored[1], position=stored[2])
        rows, cursor = take(resumed, num_rows, count)
        pieces += rows
    assert pieces == whole
    assert cursor == end
