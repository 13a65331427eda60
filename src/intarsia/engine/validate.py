"""How good a method is on a data set: the panoptic quality of its maps, shared out over the processes."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from accelerate import Accelerator

from intarsia import draw
from intarsia.data.dataset import PanopticDataset
from intarsia.data.loader import evaluation_loader
from intarsia.engine.gather import merge_tallies
from intarsia.methods.method import AbstractMethod
from intarsia.methods.torch_model import as_model
from intarsia.metrics import PanopticQuality, QualityReport
from intarsia.pictures.image_like import ImageLike


@dataclass(frozen=True)
class Validation:
    """The report over all images, and a few of them drawn: image, truth, prediction."""

    report: QualityReport
    pictures: dict[str, np.ndarray]
    seconds: float


def validate(
    method: AbstractMethod,
    data: PanopticDataset,
    accelerator: Accelerator,
    *,
    size: str = "",
    num_pictures: int = 4,
) -> Validation:
    """Predict every image of the data set and count; each process takes its share.

    Args:
        method: What predicts; it is left in the mode it was in.
        data: Images with their truth.
        accelerator: Where, and in which precision.
        size: In which the network sees the images, as in `InputSize`; maps are compared in the truth's own.
        num_pictures: How many images are drawn; 4 fit on a screen.
    """
    start = time.monotonic()
    model = as_model(method, context=accelerator.autocast)
    quality = PanopticQuality(data.categories)
    pictures: dict[str, np.ndarray] = {}
    rank, world_size = accelerator.process_index, accelerator.num_processes
    for batch in evaluation_loader(data, size=size, rank=rank, world_size=world_size):
        images: list[ImageLike] = [
            image[:, :h, :w] for image, (h, w) in zip(batch.images, batch.sizes, strict=True)
        ]
        predictions = model.predict(images, batch=len(images))
        for row, (prediction, truth) in enumerate(zip(predictions, batch.truths, strict=True)):
            quality.update(prediction.resized(*truth.size), truth)
            if len(pictures) < num_pictures:
                height, width = batch.sizes[row]
                image = batch.images[row, :, :height, :width].permute(1, 2, 0)  # h w 3
                picture = (image * 255).round().byte().numpy()
                truth = truth.resized(height, width)
                drawing = draw.side_by_side(picture, truth, prediction, categories=data.categories)
                pictures[batch.names[row]] = drawing
    return Validation(merge_tallies(quality).compute(), pictures, time.monotonic() - start)
