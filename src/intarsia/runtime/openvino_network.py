"""A network run by OpenVINO, which is the fastest on Intel's CPUs and on many others."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float32

from intarsia._check import fail
from intarsia.runtime.linked_files import one_file
from intarsia.runtime.network import AbstractNetwork

__all__ = ["OpenVinoNetwork"]


class OpenVinoNetwork(AbstractNetwork):
    """A `model.onnx` that `intarsia export` wrote, on the CPU."""

    def __init__(
        self,
        file: Path,
        *,
        stride: int,
        precision: Literal["float32", "bfloat16"] = "float32",
        threads: int | None = None,
    ) -> None:
        """Read and compile the file.

        Args:
            file: An ONNX file with one input.
            stride: Pixels between neighbours on the grid of its outputs.
            precision: "bfloat16" has twice the speed where the CPU computes in it, and three digits.
            threads: How many it computes with; None leaves it to OpenVINO.

        Raises:
            ValueError: OpenVINO is not installed, or the file is broken.
        """
        try:
            import openvino
        except ImportError:
            fail(
                "backend",
                "one that is installed",
                "openvino without its package",
                hint="pip install 'intarsia[openvino]'",
            )
        # one image at a time is to be fast, in the precision that was asked for
        options = {
            "INFERENCE_PRECISION_HINT": {"float32": "f32", "bfloat16": "bf16"}[precision],
            "PERFORMANCE_HINT": "LATENCY",
        }
        if threads is not None:
            options["INFERENCE_NUM_THREADS"] = str(threads)
        try:
            core = openvino.Core()
            with one_file(file) as whole:
                model = core.read_model(str(whole))
                # read before compiling, which fuses nodes and gives an output the names of several
                self._names = [output.any_name for output in model.outputs]
                self._compiled = core.compile_model(model, "CPU", options)
        except (RuntimeError, OSError) as error:
            reason = str(error).strip().splitlines()[-1]
            fail(str(file), "a whole ONNX file that OpenVINO reads", f"one that is not ({reason})")
        self._request = self._compiled.create_infer_request()
        self.stride, self.precision = stride, precision

    @property
    def description(self) -> str:
        """As OpenVINO calls itself."""
        import openvino

        return f"OpenVINO {openvino.__version__.split('-')[0]} on cpu, {self.precision}"

    def arrays(self, images: Float32[np.ndarray, "b 3 H W"]) -> dict[str, np.ndarray]:
        """The outputs by their names in the file, one image after the other."""
        parts = [self._answers(image) for image in images]
        return {name: np.concatenate([part[name] for part in parts]) for name in self._names}

    def release(self) -> None:
        """The memory of its request."""
        self._compiled.release_memory()

    def _answers(self, image: Float32[np.ndarray, "3 H W"]) -> dict[str, np.ndarray]:
        answers = self._request.infer({0: image[None]}, share_inputs=True)
        return {name: np.array(answers[n]) for n, name in enumerate(self._names)}
