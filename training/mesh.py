"""The world of ranks: on CPUs it is formed here, and everywhere it is proved before a step is made.

`accelerate launch` with FSDP on a machine without a GPU starts processes that train alone, each the main one,
and says nothing. `form_cpu_mesh` replaces one private method of Accelerate, `PartialState._prepare_backend`,
so that the ranks meet over gloo; a test pins that method. `require_world` and `require_mesh` are the proof,
which does not trust the method: they look at what came out. Not here yet: HSDP and tensor parallelism.
"""

from __future__ import annotations

import os
from typing import Any, Final

import torch
import torch.distributed
from accelerate.state import PartialState
from accelerate.utils import DistributedType
from torch.distributed.tensor import DTensor

from schemas.errors import BrokenLaw

__all__ = ["form_cpu_mesh", "num_launched", "rank", "require_mesh", "require_world"]

_ORIGINAL: Final = PartialState._prepare_backend


def num_launched() -> int:
    """How many processes the launcher started; 1 without a launcher."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def rank() -> int:
    """Which of them this process is."""
    return int(os.environ.get("RANK", "0"))


def form_cpu_mesh() -> None:
    """Let Accelerate take CPU ranks as a world, before the first `Accelerator()`. One alone is left so."""
    if num_launched() == 1 or torch.cuda.is_available():
        return
    os.environ["ACCELERATE_TORCH_DEVICE"] = "cpu"
    os.environ.pop("ACCELERATE_USE_CPU", None)
    if not torch.distributed.is_initialized():
        torch.distributed.init_process_group("gloo")

    def over_gloo(*_: Any, **__: Any) -> tuple[str, DistributedType]:
        return "gloo", DistributedType.MULTI_GPU  # which AcceleratorState turns into FSDP

    setattr(PartialState, _ORIGINAL.__name__, over_gloo)


def require_world(accelerator: Any) -> None:
    """Raises BrokenLaw where the processes that were launched are not one world."""
    if accelerator.num_processes != num_launched():
        raise BrokenLaw(
            f"{num_launched()} processes were launched and each sees {accelerator.num_processes}: "
            "they would train alone and overwrite each other."
        )


def require_mesh(accelerator: Any, model: Any) -> None:
    """Raises BrokenLaw where the weights are not spread over all ranks by FSDP2."""
    require_world(accelerator)
    if num_launched() == 1:
        return
    if not accelerator.is_fsdp2:
        raise BrokenLaw(f"{num_launched()} ranks run as {accelerator.distributed_type}, which is not FSDP2.")
    for name, weight in model.named_parameters():
        if not isinstance(weight, DTensor) or weight.device_mesh.size() != num_launched():
            raise BrokenLaw(f"The weight {name} is not spread over {num_launched()} ranks.")
