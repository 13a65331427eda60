"""A network run by onnxruntime."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float32

from intarsia._check import fail
from intarsia.runtime.linked_files import one_file
from intarsia.runtime.network import AbstractNetwork
from intarsia.runtime.tiles import ALIGNED_PX

__all__ = ["OnnxNetwork"]


class OnnxNetwork(AbstractNetwork):
    """A `model.onnx` that `intarsia export` wrote, on the CPU or, where its package has it, on a GPU."""

    def __init__(
        self, file: Path, *, stride: int, device: Literal["cpu", "cuda"] = "cpu", threads: int | None = None
    ) -> None:
        """Read the file.

        Args:
            file: An ONNX file with one input.
            stride: Pixels between neighbours on the grid of its outputs.
            device: "cuda" needs the package onnxruntime-gpu.
            threads: How many it computes with; None leaves it to onnxruntime.

        Raises:
            ValueError: The file is broken, or this onnxruntime has no GPU.
        """
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or 0
        options.enable_mem_pattern = False  # a plan for each size doubles the memory and gains no time
        options.log_severity_level = 3
        provider = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}[device]
        if provider not in onnxruntime.get_available_providers():
            fail("device", "one that this onnxruntime has", device, hint="pip install onnxruntime-gpu")
        try:
            with one_file(file) as whole:
                self._session = onnxruntime.InferenceSession(str(whole), options, providers=[provider])
        except Exception as error:  # onnxruntime has an exception of its own for each kind of trouble
            reason = str(error).splitlines()[0]
            fail(str(file), "a whole ONNX file that this onnxruntime reads", f"one that is not ({reason})")
        self._names = [output.name for output in self._session.get_outputs()]
        self.stride, self._device = stride, device
        self._arena = {"cpu": "cpu", "cuda": "gpu"}[device]

    @property
    def device(self) -> str:
        """As it was asked for."""
        return self._device

    @property
    def description(self) -> str:
        """As onnxruntime calls itself."""
        import onnxruntime

        return f"onnxruntime {onnxruntime.__version__} on {self.device}, float32"

    def arrays(self, images: Float32[np.ndarray, "b 3 H W"]) -> dict[str, np.ndarray]:
        """The outputs by their names in the file, one image after the other."""
        parts: list[Any] = [self._session.run(self._names, {"images": image[None]}) for image in images]
        if len(parts) == 1:
            return dict(zip(self._names, parts[0], strict=True))
        return {
            name: np.concatenate(rows)
            for name, rows in zip(self._names, zip(*parts, strict=True), strict=True)
        }

    def release(self) -> None:
        """By one more small image, since onnxruntime shrinks its memory at the end of a run alone."""
        import onnxruntime

        options = onnxruntime.RunOptions()
        options.add_run_config_entry("memory.enable_memory_arena_shrinkage", f"{self._arena}:0")
        small = np.zeros((1, 3, ALIGNED_PX, ALIGNED_PX), np.float32)
        self._session.run(self._names, {"images": small}, options)
