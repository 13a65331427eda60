"""Validation: maps are compared in the size of the truth, whatever size the network saw."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from accelerate import Accelerator

from intarsia.data.dataset import PanopticDataset
from intarsia.data.targets import PanopticTargets
from intarsia.decoding.image_view import ImageView
from intarsia.engine.validate import validate
from intarsia.methods.method import AbstractMethod
from intarsia.metrics import PanopticQuality
from intarsia.panoptic import Categories, PanopticMap
from intarsia.pictures.input_size import InputSize


class Echo(AbstractMethod):
    """Says the truth, in whatever size it is asked in, and remembers the sizes of its images."""

    def __init__(self, truths: list[PanopticMap], categories: Categories) -> None:
        super().__init__(None, categories)
        self.truths, self.shapes = truths, []
        self.stride = 1

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.shapes.append(tuple(images.shape[2:]))
        return images

    def losses(self, output: torch.Tensor, targets: PanopticTargets) -> dict[str, torch.Tensor]:
        return {}

    def named_tensors(self, output: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"images": output}

    def decode_image(self, view: ImageView) -> PanopticMap:
        return self.truths[len(self.shapes) - 1].resized(*view.size)


@pytest.fixture
def data(streets: Path) -> PanopticDataset:
    return PanopticDataset(streets, split="val")


@pytest.mark.parametrize("size", ["", "96x48", "40/70"])
def test_a_map_of_any_size_counts_in_the_size_of_the_truth(data, size):
    truths = [data[index].panoptic_map() for index in range(len(data))]
    method = Echo(truths, data.categories)
    validation = validate(method, data, Accelerator(cpu=True), size=size)
    quality = PanopticQuality(data.categories)
    seen = [InputSize(size).of(*truth.size) for truth in truths]
    for truth, small in zip(truths, seen, strict=True):
        quality.update(truth.resized(*small).resized(*truth.size), truth)
    assert method.shapes == seen
    assert validation.report.all == quality.compute().all
    assert (validation.report.all.pq == 1) == (size == "")
