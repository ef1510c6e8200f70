"""A training that can be cut: after each epoch, all that it needs to go on to the same bits, in one file."""

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import nn

from encoders.weights import save_aside


class Checkpoint:
    """The state of a network, of the moving average of its weights, and of AdamW.

    `task` is what the training is of: a file of another one is not gone on with. Without a path nothing is kept.
    """

    def __init__(
        self,
        path: Path | None,
        task: tuple[dict[str, Any], *tuple[torch.Tensor, ...]],
        network: nn.Module,
        average: nn.Module,
        optimizer: torch.optim.Optimizer,
    ) -> None:
        self._path, self._network, self._average, self._optimizer = path, network, average, optimizer
        settings, *tensors = task
        hashed = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
        for tensor in tensors:
            hashed.update(tensor.numpy().tobytes())
        self._task = hashed.hexdigest()

    def resume(self) -> list[float | None]:
        """The validation figures of the epochs that are done, after putting their end in place; none without a file."""
        if self._path is None:
            return []
        try:
            with safe_open(self._path, "pt") as file:
                facts = file.metadata() or {}
                if facts.get("task") != self._task:
                    return []
                state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
        except (OSError, SafetensorError):  # not there yet, or cut
            return []
        self._network.load_state_dict(_under("network.", state))
        self._average.load_state_dict(_under("average.", state))
        steps: dict[int, dict[str, torch.Tensor]] = {}
        for name, tensor in _under("optimizer.", state).items():
            number, _, what = name.partition(".")
            steps.setdefault(int(number), {})[what] = tensor
        self._optimizer.load_state_dict(self._optimizer.state_dict() | {"state": steps})
        curve: list[float | None] = json.loads(facts["curve"])
        return curve

    def keep(self, curve: list[float | None]) -> None:
        """Write the state after as many epochs as there are figures."""
        if self._path is None:
            return
        state = {f"network.{name}": tensor for name, tensor in self._network.state_dict().items()}
        state |= {f"average.{name}": tensor for name, tensor in self._average.state_dict().items()}
        for number, parts in self._optimizer.state_dict()["state"].items():
            state |= {f"optimizer.{number}.{what}": tensor for what, tensor in parts.items()}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        ready = {name: tensor.detach().contiguous() for name, tensor in state.items()}
        save_aside(ready, self._path, {"task": self._task, "curve": json.dumps(curve)})

    def forget(self) -> None:
        """The training is over."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)


def _under(prefix: str, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in state.items() if name.startswith(prefix)}
