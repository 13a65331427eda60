"""What every method is: a network with three verbs, and the ways to use, save and share it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar, overload

from huggingface_hub import ModelHubMixin, snapshot_download

from intarsia.methods.model_folder import read_model, write_model
from intarsia.methods.torch_model import as_model
from intarsia.methods.trainable import AbstractTrainable
from intarsia.panoptic import PanopticMap
from intarsia.pictures.image_like import ImageLike
from intarsia.runtime.diameter import Diameter
from intarsia.runtime.model import Several

__all__ = ["AbstractMethod"]

_Method = TypeVar("_Method", bound="AbstractMethod")


class AbstractMethod(AbstractTrainable, ModelHubMixin):
    """A panoptic segmentation method: built as `Method(config, categories)`, used by three verbs.

    `forward` makes a dataclass of named tensors, `losses` compares it with the truth, `decode` turns it into
    panoptic maps: see `AbstractTrainable`, which has them and its attributes. The rest is here: `predict` for
    a person, `save` and the hub's `from_pretrained` and `push_to_hub`. The part of a network that comes with
    weights is called `backbone`.
    """

    @overload
    def predict(  # pyright: ignore[reportOverlappingOverload] - an open file iterates, and is one image
        self, image: ImageLike, *, batch: int = 1, diameter: Diameter | None = None
    ) -> PanopticMap: ...
    @overload
    def predict(
        self, image: Several, *, batch: int = 1, diameter: Diameter | None = None
    ) -> list[PanopticMap]: ...
    def predict(
        self, image: ImageLike | Several, *, batch: int = 1, diameter: Diameter | None = None
    ) -> PanopticMap | list[PanopticMap]:
        """The panoptic map of one image, or of each of several: as `intarsia.Model.predict`.

        Args:
            image: A path, a Pillow image, an array, a tensor ...; or a list, tuple or iterator of these.
            batch: How many neighbours of one size run through the network at once; 1, since a CPU gains
                nothing by more.
            diameter: How large the things are, in pixels, or "auto".

        Raises:
            ValueError: An image cannot be read, or `diameter` is out of range or not for this model.
        """
        model = as_model(self, intake=self.intake)
        return model.predict(image, batch=batch, diameter=diameter)  # pyright: ignore[reportArgumentType, reportCallIssue]

    def save(self, folder: str | Path, *, half: bool = False, export: bool = False) -> None:
        """Write `model.safetensors`, `config.json` and `categories.json`, each whole or not at all.

        Args:
            folder: Made where it does not exist.
            half: Store convolution weights as float16: half the size, loaded as float32 again.
            export: Also write `model.onnx`, for prediction without torch; takes some 20 s. Weights are stored
                as float16 in both files, so that both give the same maps.

        Raises:
            ValueError: The folder cannot be written, or the method cannot be exported exactly.
        """
        write_model(self, Path(folder), half=half, export=export)

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
                    allow_patterns=["*.json", "*.safetensors", "*.onnx"],
                )
            )
        return read_model(folder, {cls.__name__: cls})
