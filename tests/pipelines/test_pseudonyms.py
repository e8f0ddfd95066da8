"""Pseudonyms: the same under one key, others under another, and a rotation that loses none."""

from __future__ import annotations

import hashlib
import hmac

import pyarrow as pa
import pytest

from pipelines.pseudonyms import KEYS_VARIABLE, Pseudonyms, epoch_of, rotated, rotation
from schemas.errors import UsageError

OLD, NEW = Pseudonyms(1, b"a" * 32), Pseudonyms(2, b"b" * 32)


def test_it_depends_on_key_kind_and_id_alone() -> None:
    found = OLD.of("shop", "7")
    assert found == OLD.of("shop", "7")
    assert len({found, OLD.of("shop", "8"), OLD.of("person", "7"), NEW.of("shop", "7")}) == 4
    assert OLD.of("a", "b:c") != OLD.of("a:b", "c")
    digest = hmac.new(b"a" * 32, b"4:shop:7", hashlib.sha256).digest()
    bits = int.from_bytes(digest) >> (256 - 130)
    alphabet = "abcdefghijklmnopqrstuvwxyz234567"
    assert found == "m1_" + "".join(alphabet[bits >> (125 - 5 * n) & 31] for n in range(26))


def test_its_epoch_can_be_read() -> None:
    assert (epoch_of(OLD.of("shop", "7")), epoch_of(NEW.of("shop", "7"))) == (1, 2)
    assert [epoch_of(text) for text in ("shop-7", "m0_" + "a" * 26, "m1_" + "a" * 25, "")] == [None] * 4


def test_a_rotation_is_one_to_one_and_keeps_null() -> None:
    ids = ["7", "8", "9"]
    column = OLD.column("shop", pa.array(["7", None, "8", "7"]))
    by = rotation(ids, "shop", OLD, NEW)
    assert rotated(column, by).equals(NEW.column("shop", pa.array(["7", None, "8", "7"])))
    chunked = pa.chunked_array([column.slice(0, 2), column.slice(2)])
    assert rotated(chunked, by).equals(rotated(column, by))
    with pytest.raises(KeyError, match="1 of 2 pseudonyms have no successor"):
        rotated(column, rotation(["7"], "shop", OLD, NEW))
    with pytest.raises(ValueError, match="both keys are of epoch 1"):
        rotation(ids, "shop", OLD, OLD)


def test_keys_come_from_the_environment_and_are_never_shown() -> None:
    environment = {KEYS_VARIABLE: f"1:{'61' * 32}, 2:{'62' * 32}"}
    assert Pseudonyms.from_environment(environment=environment) == NEW
    assert Pseudonyms.from_environment(1, environment) == OLD
    assert "a" * 32 not in repr(OLD)
    assert "97" not in repr(OLD)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("", "has no key"),
        ("1:zz", "cannot be read"),
        ("secret", "cannot be read"),
        ("1:6161", "has 2 bytes; give 32"),
        (f"0:{'61' * 32}", "the epoch 0"),
        (f"1:{'61' * 32}", "no key of epoch 7"),
    ],
)
def test_a_variable_that_is_wrong_is_told_without_what_it_holds(value: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as refused:
        Pseudonyms.from_environment(7 if "epoch 7" in said else None, {KEYS_VARIABLE: value})
    assert "6161" not in str(refused.value)
    assert "zz" not in str(refused.value)
    assert "secret" not in str(refused.value)
