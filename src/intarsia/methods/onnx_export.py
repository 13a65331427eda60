"""A method's network as an ONNX file that predicts without torch, checked against torch before it is kept.

Written by torch's own exporter of today (`dynamo=True`): the older one, by tracing, is no longer developed.
It wants a graph without arithmetic on sizes, so the exported network takes images whose sides are multiples
of its coarsest stride; prediction pads them.
"""

from __future__ import annotations

import copy
import logging
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import onnxscript.optimizer
import torch
import torch.nn.functional as F
from jaxtyping import Float
from jaxtyping import config as shape_checks
from timm.layers.conv2d_same import Conv2dSame
from torch import Tensor, nn

from intarsia._check import fail
from intarsia._files import whole
from intarsia.methods.trainable import AbstractTrainable
from intarsia.nets.folding import conv_norm_pairs, factor_and_shift, keep_only_activation
from intarsia.runtime.onnx_network import OnnxNetwork

__all__ = ["export_network", "refuse_export", "round_weights"]

OPSET = 20
TOLERANCE = 1e-4
"""Largest difference of any output to torch's, in units of the output's own spread where that is above 1."""

_SMALL = 256
"""Bytes up to which constants are computed now; weights times factors are left to whoever reads the file."""

_CHECKED_SIZES = ((1, 2), (3, 3), (7, 5))
"""Of the images on which it is checked, in multiples of the network's coarsest stride."""


def refuse_export(method: AbstractTrainable) -> None:
    """Refuse a method that cannot be exported exactly.

    Raises:
        ValueError: The method is decoded by code of its own, or parts of its network cannot leave torch.
    """
    hint = "Predict with backend='torch'."
    if not method.has_decoder:
        fail("method", "decoded without code of its own to be exported", type(method).__name__, hint=hint)
    if method.needs_torch:
        got = f"{type(method).__name__}, whose {method.needs_torch}"
        fail("method", "one that can leave torch to be exported", got, hint=hint)


def round_weights(method: AbstractTrainable) -> AbstractTrainable:
    """The method itself, its convolutions' weights rounded to float16, as files hold them."""
    with torch.no_grad():
        for parameter in method.parameters():
            if parameter.ndim == 4:
                parameter.copy_(parameter.half().float())
    return method


def export_network(method: AbstractTrainable, path: Path) -> None:
    """Write the network as `model.onnx`, whole or not at all; its weights are rounded to float16 for it.

    Args:
        method: Trained, its weights rounded (see `round_weights`).
        path: Where the ONNX file goes.

    Raises:
        ValueError: The method cannot be exported exactly, or the file's answers differ from torch's.
    """
    refuse_export(method)
    network = _NamedTensors(copy.deepcopy(method).cpu().eval())
    step = method.network_spec.align_px
    # any picture whose sides are whole numbers of steps
    rows, columns = (torch.export.Dim(name, min=1, max=4096) for name in ("rows", "columns"))
    with _quietly(), _without_shape_checks(), torch.no_grad():
        program = torch.onnx.export(
            network,
            (torch.rand(1, 3, 4 * step, 6 * step),),
            dynamo=True,
            dynamic_shapes={"images": {2: step * rows, 3: step * columns}},
            input_names=["images"],
            output_names=network.names,
            opset_version=OPSET,
            optimize=False,  # it would multiply norms into weights, which then were no float16 numbers
        )
    assert program is not None
    # smaller and faster, with the same answers
    onnxscript.optimizer.fold_constants(program.model, input_size_limit=_SMALL, output_size_limit=_SMALL)
    model = program.model_proto
    _halve_weights(model)
    _merge_padding(model)
    onnxscript.optimizer.remove_unused_nodes(model)
    _strip_notes(model)
    # it is only kept if it answers as torch does
    with whole(path) as partial:
        partial.write_bytes(model.SerializeToString())
        _check(method, partial, step)


class _NamedTensors(nn.Module):
    """From images of fitting sides to a method's named tensors, one after the other."""

    def __init__(self, method: AbstractTrainable) -> None:
        super().__init__()
        self.method = method
        with torch.no_grad():
            _scale_convolutions(self.method)
            self.names = list(method.named_tensors(method(torch.zeros(1, 3, 64, 64))))

    def forward(self, images: Float[Tensor, "1 3 h w"]) -> tuple[Tensor, ...]:
        return tuple(self.method.named_tensors(self.method(images)).values())


class _ScaledConv(nn.Module):
    """A convolution with the norm after it, as weights times factors.

    So the file holds the weights alone, as float16, and whoever reads it multiplies once. Padding is that of
    inputs that are multiples of its stride.
    """

    factor: Tensor | None
    shift: Tensor | None

    def __init__(self, conv: nn.Conv2d, factor: Tensor | None, shift: Tensor | None) -> None:
        super().__init__()
        self.conv = conv
        self.register_buffer("factor", None if factor is None else factor[:, None, None, None].clone())
        self.register_buffer("shift", conv.bias if shift is None else shift.clone())
        sides = [_same_padding(conv, axis) for axis in (0, 1)] if isinstance(conv, Conv2dSame) else []
        self.is_even = all(before == after for before, after in sides)
        self.padding: Any = tuple(before for before, _ in sides) if sides else conv.padding
        self.sides = tuple(side for pair in reversed(sides) for side in pair)

    def forward(self, x: Tensor) -> Tensor:
        conv = self.conv
        weight = conv.weight if self.factor is None else conv.weight * self.factor
        if self.is_even:
            padding = self.padding
        else:
            x, padding = F.pad(x, self.sides), 0
        return F.conv2d(x, weight, self.shift, conv.stride, padding, conv.dilation, conv.groups)


def _same_padding(conv: nn.Conv2d, axis: int) -> tuple[int, int]:
    """Before and after, for an input that is a multiple of the stride."""
    total = max((conv.kernel_size[axis] - 1) * conv.dilation[axis] + 1 - conv.stride[axis], 0)
    return total // 2, total - total // 2


def _scale_convolutions(network: nn.Module) -> None:
    """Replace each convolution by one that takes its norm in, and the norm by its activation."""
    norm_of = dict(conv_norm_pairs(network))
    for parent in list(network.modules()):
        for name, child in parent.named_children():
            if not isinstance(child, nn.Conv2d) or isinstance(parent, _ScaledConv):
                continue
            norm = norm_of.get(child)
            factor, shift = (None, None) if norm is None else factor_and_shift(child, norm)
            setattr(parent, name, _ScaledConv(child, factor, shift))
    for norm in norm_of.values():
        keep_only_activation(norm)


def _halve_weights(model: Any) -> None:
    """Store weights that are float16 numbers as such, each with a node that makes float32 of them again."""
    import onnx

    graph, casts = model.graph, []
    for tensor in graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.ndim < 4:
            continue
        name, half = tensor.name, values.astype(np.float16)
        if not np.array_equal(half, values):
            continue
        tensor.CopyFrom(onnx.numpy_helper.from_array(half, f"{name}.half"))
        casts.append(onnx.helper.make_node("Cast", [f"{name}.half"], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    infos = [info for info in graph.value_info if info.name not in {cast.output[0] for cast in casts}]
    del graph.value_info[:]
    graph.value_info.extend(infos)


def _merge_padding(model: Any) -> None:
    """Let convolutions pad themselves where zeros are put around what they get."""
    import onnx

    graph = model.graph
    constants = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            constants[node.output[0]] = onnx.numpy_helper.to_array(node.attribute[0].t)
    # who reads a padded map, and which node pads it
    readers = Counter(name for node in graph.node for name in node.input)
    pads = {node.output[0]: node for node in graph.node if node.op_type == "Pad"}
    for node in graph.node:
        pad = pads.get(node.input[0]) if node.op_type == "Conv" else None
        if pad is None or readers[pad.output[0]] != 1 or pad.input[1] not in constants:
            continue
        sides = constants[pad.input[1]]  # before each of 4 axes, then after
        own = next((attribute for attribute in node.attribute if attribute.name == "pads"), None)
        if sides.size != 8 or sides.min() < 0 or sides[[0, 1, 4, 5]].any() or (own and any(own.ints)):
            continue
        # only zeros around rows and columns: that is what a convolution can do itself
        if own is not None:
            node.attribute.remove(own)
        node.attribute.append(onnx.helper.make_attribute("pads", [int(sides[n]) for n in (2, 3, 6, 7)]))
        node.input[0] = pad.input[0]
        graph.node.remove(pad)


def _strip_notes(model: Any) -> None:
    """Take out the exporter's account of where in the code each node comes from: a quarter of the file."""
    del model.metadata_props[:]
    for part in [*model.graph.node, *model.graph.value_info, *model.graph.initializer, model.graph]:
        part.doc_string = ""
        del part.metadata_props[:]


def _check(method: AbstractTrainable, file: Path, step: int) -> None:
    """Compare the file with torch on images of several sizes."""
    network = OnnxNetwork(file, stride=method.stride)
    generator = torch.Generator().manual_seed(0)
    for rows, columns in _CHECKED_SIZES:
        coarse = torch.rand(1, 3, rows + 1, columns + 1, generator=generator)
        image = F.interpolate(coarse, size=(rows * step, columns * step), mode="bilinear")
        with torch.inference_mode():
            true = method.named_tensors(method.eval()(image.to(method.device)))
        exported = network.arrays(image.numpy())
        for name, tensor in true.items():
            values = tensor.float().cpu().numpy()
            difference = float(np.abs(values - exported[name]).max())
            if not difference <= TOLERANCE * max(1.0, float(values.std())):
                size = f"{rows * step}x{columns * step}"
                got = f"one whose {name} differ by {difference:g} on an image of {size}"
                fail("network", "one whose export gives what torch gives", got)


@contextmanager
def _quietly() -> Iterator[None]:
    """Without the exporter's account of its steps and its warnings about its own parts."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), redirect_stdout(StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


@contextmanager
def _without_shape_checks() -> Iterator[None]:
    """Heights and widths are symbols while a network is traced, which tests would refuse as not `int`."""
    before = shape_checks.jaxtyping_disable
    shape_checks.update("jaxtyping_disable", True)
    try:
        yield
    finally:
        shape_checks.update("jaxtyping_disable", before)
