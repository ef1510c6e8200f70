"""Training that was cut goes on where it was, to the same bits.

A checkpoint is one safetensors file, written whole or not at all: weights, both moments of AdamW, the state of the
random draws, and in its header the task that it belongs to and the curves so far. Nothing in it is code.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from graph import disk
from graph.errors import GraphError


@dataclass
class Curves:
    """Values by epoch, and of `held` by look."""

    loss: list[float] = field(default_factory=list)
    held: list[float] = field(default_factory=list)
    learning_rate: list[float] = field(default_factory=list)
    gradient: list[float] = field(default_factory=list)
    """Length of the gradient before it was clipped."""


@dataclass
class State:
    """All that changes while a network learns; `modules` by name hold every parameter of the optimizer."""

    modules: dict[str, nn.Module]
    optimizer: torch.optim.Optimizer
    chance: torch.Generator
    curves: Curves


def task_of(facts: object, tensors: Iterable[Tensor]) -> str:
    """A hash of what is learned from: of settings that print alike and tensors that hold the same, and of torch."""
    digest = hashlib.sha256(f"{torch.__version__} {facts!r}".encode())
    for tensor in tensors:
        digest.update(f"{tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


def save(path: Path, state: State, task: str) -> None:
    """Write a checkpoint; a crash leaves the one before."""
    tensors = {"chance": state.chance.get_state()}
    for name, value in _values(state).items():
        tensors[f"value {name}"] = value
    for name, parameter in _parameters(state).items():
        for what, moment in state.optimizer.state[parameter].items():
            tensors[f"{what} {name}"] = moment
    with disk.written_file(path) as aside:
        kept = {name: tensor.detach().contiguous().clone() for name, tensor in tensors.items()}
        save_file(kept, aside, {"task": task, "curves": json.dumps(vars(state.curves))})


def resume(path: Path, state: State, task: str) -> bool:
    """Put a checkpoint into `state`; false, and nothing is touched, where there is none or it is of another task.

    Raises GraphError when the file cannot be read.
    """
    if not path.exists():
        return False
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            if header.get("task") != task:
                return False
            names = list(file.keys())
            tensors = {name: file.get_tensor(name) for name in names}
            curves = Curves(**json.loads(header["curves"]))
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise GraphError(
            f"{path}: this checkpoint cannot be read ({error}); delete it, and training starts anew"
        ) from None
    with torch.no_grad():
        for name, value in _values(state).items():
            value.copy_(tensors[f"value {name}"])
    for name, parameter in _parameters(state).items():
        moments = {
            what: tensors[f"{what} {name}"] for what in ("step", "exp_avg", "exp_avg_sq") if f"{what} {name}" in tensors
        }
        if moments:
            state.optimizer.state[parameter] = moments
    state.chance.set_state(tensors["chance"])
    state.curves.__dict__.update(vars(curves))
    return True


def _values(state: State) -> dict[str, Tensor]:
    """Every parameter and buffer by name; they share memory with the modules."""
    return {
        f"{group}.{name}": value
        for group, module in state.modules.items()
        for name, value in module.state_dict().items()
    }


def _parameters(state: State) -> dict[str, nn.Parameter]:
    return {
        f"{group}.{name}": value for group, module in state.modules.items() for name, value in module.named_parameters()
    }
