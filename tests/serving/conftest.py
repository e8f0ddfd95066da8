from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from serving.local_model import LocalModel
    from tests.serving.tiny import Mouth


@pytest.fixture(scope="session")
def checkpoint_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Read only: a test that damages a checkpoint copies it. Imported late: torch takes seconds."""
    from tests.serving.tiny import write_checkpoint

    return write_checkpoint(tmp_path_factory.mktemp("checkpoint"))


@pytest.fixture(scope="session")
def local_model(checkpoint_folder: Path) -> LocalModel:
    from serving.checkpoint import open_checkpoint
    from serving.local_model import LocalModel

    return LocalModel(open_checkpoint(checkpoint_folder), device="cpu")


@pytest.fixture
def mouth(local_model: LocalModel) -> Iterator[Mouth]:
    from tests.serving.tiny import listening

    with listening(local_model) as mouth:
        yield mouth
