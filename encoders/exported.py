"""Networks of encoders as ONNX files, in 32 bits or quantised to 8, and what runs them."""

import hashlib
import json
import logging
import platform
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import nn

from encoders.base import PICTURES, TEXTS, Networked
from encoders.weights import aside, file_hash

ONNX, INT8 = "onnx", "int8"
FORMAT = 1
"""Of the files; another number makes them anew."""
OPSET = 17
EXAMPLES: dict[str, Sequence[Any]] = {
    TEXTS: ["white sneakers", "a watch"],
    PICTURES: [Image.new("RGB", (8, 8), "red"), Image.new("RGB", (8, 8), "blue")],
}
"""What a network is traced with."""


def session(path: Path, threads: int) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    # Threads that spin would take the cores of whatever comes next.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def compiled(path: Path, threads: int, precision: str) -> Any:
    """The network run by OpenVINO, an extra, in `f32` or `bf16`. Raises ImportError where that is not installed."""
    import openvino

    settings = {
        "INFERENCE_PRECISION_HINT": precision,
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
        "ENABLE_CPU_PINNING": False,  # a core that is busy is left
    }
    core = openvino.Core()
    return core.compile_model(core.read_model(str(path)), "CPU", settings)


def file(plain: Networked[Any], way: str, folder: Path) -> Path:
    """The network as a file, made where there is none that is whole; the hash of the content is in its name."""
    for path in folder.glob(f"{key(plain)}.{way}.*.onnx"):
        if file_hash(path)[:16] == path.name.split(".")[-2]:
            return path
        path.unlink(missing_ok=True)
    with aside(folder / f"{key(plain)}.{way}.onnx", keep=False) as partial:
        if way == INT8:
            _quantise(file(plain, ONNX, folder), partial)
        else:
            _export(plain, partial)
        path = folder / f"{key(plain)}.{way}.{file_hash(partial)[:16]}.onnx"
        partial.replace(path)
    return path


class _InOrder(nn.Module):
    """A network whose inputs have an order instead of names, as the exporter wants them."""

    def __init__(self, network: nn.Module, names: list[str]) -> None:
        super().__init__()
        self.network, self.names = network, names

    def forward(self, *tensors: torch.Tensor) -> torch.Tensor:
        rows: torch.Tensor = self.network(**dict(zip(self.names, tensors, strict=True)))
        return rows


def _export(plain: Networked[Any], path: Path) -> None:
    inputs = plain.inputs(EXAMPLES[plain.kind])
    names = list(inputs)
    axes = {name: {0: "n"} if tensor.ndim == 4 else {0: "n", 1: "tokens"} for name, tensor in inputs.items()}
    quick = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # there is no operator of ONNX for it
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # the tracer warns of branches, which depend on nothing that changes here
            torch.onnx.export(
                _InOrder(plain.network, names).eval(),
                tuple(inputs.values()),
                str(path),
                input_names=names,
                output_names=["rows"],
                dynamic_axes=axes | {"rows": {0: "n"}},
                opset_version=OPSET,
                dynamo=False,
            )
    finally:
        torch.backends.mha.set_fastpath_enabled(quick)


def _quantise(source: Path, path: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quieted = logging.getLogger()
    level = quieted.level
    quieted.setLevel(logging.ERROR)  # it advises by the root logger
    try:
        quantize_dynamic(source, path, weight_type=QuantType.QInt8, per_channel=True, op_types_to_quantize=["MatMul"])
    finally:
        quieted.setLevel(level)


def key(plain: Networked[Any]) -> str:
    """Of the files of an encoder on a kind of processor."""
    facts = (FORMAT, plain.fingerprint, platform.machine(), torch.backends.cpu.get_cpu_capability())
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]
