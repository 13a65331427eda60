"""What every method is: a network with three verbs, and the ways to use, save and share it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path
from typing import Any, ClassVar, TypeVar, overload

import torch
from huggingface_hub import ModelHubMixin, snapshot_download
from jaxtyping import Float
from torch import Tensor, nn

from intarsia._check import fail
from intarsia._summary import summary, summary_html
from intarsia.data.targets import PanopticTargets
from intarsia.decoding.embedding_field import EmbeddingField
from intarsia.decoding.pixel_field import PixelField
from intarsia.decoding.upsampling import grid_size
from intarsia.draw.distances import distances_from
from intarsia.methods.images import as_tensor
from intarsia.methods.model_folder import read_model, write_model
from intarsia.panoptic import Categories, PanopticMap
from intarsia.pictures.image_like import ImageLike

__all__ = ["AbstractMethod"]

_Method = TypeVar("_Method", bound="AbstractMethod")
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class AbstractMethod(nn.Module, ModelHubMixin, ABC):
    """A panoptic segmentation method: built as `Method(config, categories)`, used by three verbs.

    `forward` makes a dataclass of named tensors, `losses` compares it with the truth, `decode` turns it into
    panoptic maps. The rest is here: `predict` for a person, `save` and the hub's `from_pretrained` and
    `push_to_hub`. The part of a network that comes with weights is called `backbone`.

    Attributes:
        only_training: How the names of tensors begin that a trained model may lack: they start afresh.
        config: The frozen dataclass that it was built from.
        categories: What it tells apart; the category index is the channel.
        stride: Pixels between neighbours on the grid of the output.
        loss_scale: What training multiplies the sum of the losses with before it differentiates. Only
            gradients that are not linear in the loss, as through a cut, need to know it.
    """

    config_type: ClassVar[type]
    only_training: ClassVar[tuple[str, ...]] = ()
    backbone: nn.Module
    stride: int
    loss_scale: float = 1.0

    def __init__(self, config: Any, categories: Categories) -> None:
        """Keep what the method was built from; subclasses add the networks."""
        super().__init__()
        self.config = config
        self.categories = categories

    def __repr__(self) -> str:
        return summary(self._title(), self.categories)

    def _repr_html_(self) -> str:
        """What a notebook shows: each category beside its colour."""
        return summary_html(self._title(), self.categories)

    def _title(self) -> str:
        parameters = list(self.parameters())
        count = sum(parameter.numel() for parameter in parameters)
        place = f" on {parameters[0].device}" if parameters else ""
        return f"{type(self).__name__}, {count:,} parameters{place}"

    @abstractmethod
    def forward(self, images: Float[Tensor, "b 3 h w"]) -> Any:
        """From images in [0, 1], of any size, to named tensors of ceil(h / stride) x ceil(w / stride)."""

    @abstractmethod
    def losses(self, output: Any, targets: PanopticTargets) -> dict[str, Float[Tensor, ""]]:
        """The weighted terms of the loss by name; a training step adds them up. Finite for any truth."""

    @abstractmethod
    def decode(self, output: Any, sizes: Sequence[tuple[int, int]]) -> list[PanopticMap]:
        """The panoptic map of each image of the batch.

        Args:
            output: What `forward` returned.
            sizes: Height and width of each image, which stands top left in the batch; the rest is padding.
        """

    def embedding_field(self, output: Any, *, row: int = 0) -> EmbeddingField:
        """Where the pixels of an image lie in the space that the method groups them in.

        For looking inside and for following instances through a video.

        Args:
            output: What `forward` returned.
            row: Which image of the batch.

        Raises:
            ValueError: The method groups in another way.
        """
        return fail("model", "of a method with an embedding", type(self).__name__)

    def pixel_field(self, output: Any, *, size: tuple[int, int], pixel: tuple[int, int]) -> PixelField:
        """How far one pixel is from every point of the grid in the space that the method groups in.

        Args:
            output: What `forward` returned for one image.
            size: The image's height and width.
            pixel: Row and column in the image.

        Raises:
            ValueError: The method groups in another way.
        """
        field = self.embedding_field(output)
        rows, columns = grid_size(*size, stride=self.stride)
        row, column = pixel[0] // self.stride, pixel[1] // self.stride
        embedding = field.embeddings[:, :rows, :columns]
        distances = distances_from(embedding, (row, column))
        return PixelField("distance", distances, embedding, margin=float(field.margin[row, column]))

    @overload
    def predict(self, image: ImageLike, *, batch: int = 1) -> PanopticMap: ...
    @overload
    def predict(self, image: list[ImageLike], *, batch: int = 1) -> list[PanopticMap]: ...
    @torch.inference_mode()
    def predict(
        self, image: ImageLike | list[ImageLike], *, batch: int = 1
    ) -> PanopticMap | list[PanopticMap]:
        """The panoptic map of one image, or of each of a list.

        Args:
            image: Paths, Pillow images, uint8 arrays (h, w, 3) or tensors (3, h, w).
            batch: How many neighbours of one size in the list run through the network at once. Images of
                different sizes never share a batch, so that no image changes another's result.

        Raises:
            ValueError: An image cannot be read.
        """
        if not isinstance(image, list):
            return self._predict_same_size([as_tensor(image)])[0]
        if batch < 1:
            fail("batch", "1 or more", batch)
        maps: list[PanopticMap] = []
        for _, run in groupby(map(as_tensor, image), key=lambda one: one.shape):
            for group in _batched(run, batch):
                maps += self._predict_same_size(group)
        return maps

    def _predict_same_size(self, images: list[Float[Tensor, "3 h w"]]) -> list[PanopticMap]:
        was_training = self.training
        try:
            output = self.eval()._evaluated(torch.stack(images))
        finally:
            self.train(was_training)
        height, width = images[0].shape[1:]
        return self.decode(output, [(height, width)] * len(images))

    def _evaluated(self, images: Float[Tensor, "b 3 h w"]) -> Any:
        """What the network says about images that may be on another device."""
        return self(images.to(next(self.parameters()).device))

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        """The trainable parameters as "backbone" and "rest", for learning rates of their own."""
        groups: dict[str, list[nn.Parameter]] = {"backbone": [], "rest": []}
        for name, parameter in self.named_parameters():
            if parameter.requires_grad:
                groups["backbone" if name.startswith("backbone.") else "rest"].append(parameter)
        return groups

    @property
    def lr_factors(self) -> dict[str, float]:
        """How much faster than the rest each of the parameter groups learns, where that is not 1."""
        return {}

    def save(self, folder: str | Path, *, half: bool = False) -> None:
        """Write `model.safetensors`, `config.json` and `categories.json`, each whole or not at all.

        Args:
            folder: Made where it does not exist.
            half: Store convolution weights as float16: half the size, loaded as float32 again.

        Raises:
            ValueError: The folder cannot be written.
        """
        write_model(self, Path(folder), half=half)

    def _save_pretrained(self, save_directory: Path) -> None:
        self.save(save_directory)

    @classmethod
    def _from_pretrained(
        cls: type[_Method],
        *,
        model_id: str,
        revision: str | None,
        cache_dir: str | Path | None,
        force_download: bool,
        local_files_only: bool,
        token: str | bool | None,
        **model_kwargs: Any,
    ) -> _Method:
        folder = Path(model_id)
        if not folder.is_dir():
            folder = Path(
                snapshot_download(
                    model_id,
                    revision=revision,
                    cache_dir=cache_dir,
                    force_download=force_download,
                    local_files_only=local_files_only,
                    token=token,
                    allow_patterns=["*.json", "*.safetensors"],
                )
            )
        return read_model(folder, {cls.__name__: cls})


def in_threads(decode: Any, items: Iterable[_Item]) -> list[Any]:
    """`decode` of each item, in threads: grouping is native code that lets other threads run."""
    items = list(items)
    if len(items) < 2:
        return [decode(item) for item in items]
    with ThreadPoolExecutor(max_workers=min(len(items), torch.get_num_threads())) as pool:
        return list(pool.map(decode, items))


def _batched(items: Iterable[_Item], size: int) -> Iterable[list[_Item]]:
    items = list(items)
    for start in range(0, len(items), size):
        yield items[start : start + size]
