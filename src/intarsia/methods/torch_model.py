"""A method run by torch as a `Model`: in training, and where a model has no exported network."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32

from intarsia.decoding.affinity_walk import AffinityField
from intarsia.decoding.cut_view import CutConfig, CutView
from intarsia.decoding.decoder import AbstractDecoder
from intarsia.decoding.embedding_field import EmbeddingField
from intarsia.decoding.image_view import ImageView
from intarsia.decoding.pixel_field import PixelField
from intarsia.decoding.scales import ONE_LOOK, Looks, Scales
from intarsia.methods.trainable import AbstractTrainable
from intarsia.panoptic import Categories, PanopticMap
from intarsia.pictures.intake import AS_IT_IS, Intake
from intarsia.runtime.model import Model
from intarsia.runtime.network import AbstractNetwork

__all__ = ["MethodDecoder", "TorchNetwork", "as_model"]


class TorchNetwork(AbstractNetwork):
    """A method's network, run where its weights are.

    Attributes:
        method: The method, whose mode is put back after every call.
    """

    max_batch = 1 << 30

    def __init__(self, method: AbstractTrainable, *, context: Any = None, threads: int | None = None) -> None:
        """Keep the method; `context()` gives what it runs in, such as torch's autocast."""
        self.method = method
        self.stride = method.stride
        self._context = context or contextlib.nullcontext
        self._threads = threads

    @property
    def device(self) -> str:
        """Where the weights are."""
        return self.method.device.type

    @property
    def description(self) -> str:
        """The version of torch, and where the weights are."""
        return f"torch {torch.__version__.split('+')[0]} on {self.device}"

    @torch.inference_mode()
    def arrays(self, images: Float32[np.ndarray, "b 3 H W"]) -> dict[str, np.ndarray]:
        """The named tensors of the images, as arrays on the grid."""
        return _as_arrays(self.method.named_tensors(self._output(images)))

    @torch.inference_mode()
    def views(
        self, images: Float32[np.ndarray, "b 3 H W"], sizes: Sequence[tuple[int, int]]
    ) -> list[ImageView]:
        """A view of each image; a detector adds what it found, which lies on no grid."""
        return self.method.views(self._output(images), sizes)

    def _output(self, images: Float32[np.ndarray, "b 3 H W"]) -> Any:
        was_training, threads = self.method.training, torch.get_num_threads()
        if self._threads is not None:
            torch.set_num_threads(self._threads)
        try:
            with self._context():
                return self.method.eval()(torch.from_numpy(images).to(self.device))
        finally:
            self.method.train(was_training)
            torch.set_num_threads(threads)


class MethodDecoder(AbstractDecoder):
    """What a method decodes by: its own `decode_image`, which a stranger's method brings as code."""

    def __init__(self, method: AbstractTrainable) -> None:
        """Keep the method."""
        self._method = method

    def decode(self, view: ImageView, categories: Categories) -> PanopticMap:
        """The method's map."""
        return self._method.decode_image(view)

    @property
    def reach_points(self) -> int:
        """As the method's decoder says."""
        return self._method.map_decoder.reach_points if self._method.has_decoder else 0

    def at_scales(self, scales: Scales) -> AbstractDecoder:
        """The method's own for one look, else as its decoder says."""
        return self if scales == ONE_LOOK else self._method.map_decoder.at_scales(scales)

    def merge_looks(self, looks: Looks) -> Mapping[str, np.ndarray]:
        """As the method's decoder says."""
        return self._method.map_decoder.merge_looks(looks)

    @property
    def cut_config(self) -> CutConfig:
        """As the method's decoder says."""
        return self._method.map_decoder.cut_config

    def cut_view(self, view: ImageView, categories: Categories) -> CutView:
        """As the method's decoder says."""
        return self._method.map_decoder.cut_view(view, categories)

    def embedding_field(self, view: ImageView) -> EmbeddingField:
        """As the method's decoder says."""
        return self._method.map_decoder.embedding_field(view)

    def affinity_field(self, view: ImageView) -> AffinityField:
        """As the method's decoder says."""
        return self._method.map_decoder.affinity_field(view)

    def pixel_field(self, view: ImageView, pixel: tuple[int, int]) -> PixelField:
        """As the method's decoder says."""
        return self._method.pixel_field(view, pixel)


def as_model(
    method: AbstractTrainable, *, context: Any = None, threads: int | None = None, intake: Intake = AS_IT_IS
) -> Model:
    """A method as `intarsia.load` gives models; it shares the method's weights.

    Args:
        method: In training or ready.
        context: Gives what the network runs in, such as torch's autocast; None for full precision.
        threads: How many the network computes with; None leaves it to torch.
        intake: Which page and channels of files are seen, in what size; by default all as it comes.

    Example:
        >>> import intarsia.methods.load as methods
        >>> as_model(methods.load("facades")).predict(np.zeros((40, 50, 3), np.uint8)).size
        (40, 50)
    """
    network = TorchNetwork(method, context=context, threads=threads)
    return Model(network, MethodDecoder(method), method.categories, method.network_spec, intake=intake)


def _as_arrays(tensors: dict[str, torch.Tensor]) -> dict[str, np.ndarray]:
    return {name: tensor.detach().float().cpu().numpy() for name, tensor in tensors.items()}
