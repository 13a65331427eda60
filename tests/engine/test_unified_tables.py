"""The tables: what a table says, and a whole one of networks that took two steps."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn.functional import one_hot

from intarsia.data.dataset import PanopticDataset
from intarsia.data.loader import evaluation_loader
from intarsia.data.targets import at_grid, targets_of
from intarsia.engine.measure import measured
from intarsia.engine.unified_tables import as_markdown, unified_table
from intarsia.errors import InputError
from intarsia.methods.panoptic_head import AffinityConfig
from intarsia.methods.unified import PyramidConfig, UnifiedConfig, UnifiedOutput, UnifiedPanoptic
from intarsia.nets import BackboneConfig, DetectionConfig, Detections
from intarsia.nets.detector import true_masks
from intarsia.panoptic import PanopticMap
from intarsia.recipes.unified_tables import table
from tests.engine.tiny import OVERRIDES

TINY = (
    *OVERRIDES,
    "schedule.steps=2",
    "schedule.evaluate_every=2",
    "method.detection.proposals=20",
    "method.detection.box_width=16",
    "method.detection.mask_width=8",
)


class Oracle(UnifiedPanoptic):
    """Says the truth of each image in turn."""

    def __init__(self, data: PanopticDataset) -> None:
        config = UnifiedConfig(
            backbone=BackboneConfig(name="lcnet_050"),
            pyramid=PyramidConfig(width=8),
            detection=DetectionConfig(box_width=8, mask_width=8, proposals=4),
            affinity=AffinityConfig(channels=0),
        )
        super().__init__(config, data.categories)
        self.truths = [truth for batch in evaluation_loader(data) for truth in batch.truths]

    def forward(self, images: torch.Tensor) -> UnifiedOutput:
        truth: PanopticMap = self.truths.pop(0)
        targets = targets_of(torch.from_numpy(truth.ids.copy()), truth.segments, self.categories)
        semantic = at_grid(targets).semantic  # b h w
        logits = 20.0 * one_hot(semantic.clamp(max=len(self.categories) - 1), len(self.categories))
        boxes = targets.boxes[0]
        masks = true_masks(targets.instances, [boxes], [torch.arange(1, len(boxes) + 1)])
        scores = torch.ones(len(boxes))
        found = Detections(boxes, scores, targets.categories[0], masks * 20.0 - 10)
        return replace(
            super().forward(images[..., :32, :32]),
            semantic_logits=logits.permute(0, 3, 1, 2),
            detections=(found,),
        )


def test_a_table_has_means_spreads_the_paper_s_numbers_and_verdicts():
    columns = dict.fromkeys(("SQ", "RQ", "IoU"), 50.0) | {"APbox": math.nan}
    numbers = {
        "true boxes": [{"PQ": 10.0, **columns}, {"PQ": 14.0, **columns}],
        "predicted boxes": [{"PQ": 11.0, **columns}, {"PQ": 17.0, **columns}],
    }
    text = as_markdown(table("H", "facades"), numbers, on="facades")
    assert "| true boxes | 12.0 ± 2.8 (58.6) | 50.0 ± 0.0 (80.0) |" in text
    assert "predicted boxes above true boxes in PQ: holds here (14.0 against 12.0; in 2 of 2 seeds)" in text
    assert "| – |" in text
    assert "predicted boxes above true boxes in APbox: cannot be said here" in text


def test_perfect_detections_and_semantics_measure_near_100(streets):
    data = PanopticDataset(streets, split="val")
    numbers = measured(Oracle(data), data)
    assert numbers["PQ"] > 80
    assert numbers["APbox"] > 95
    assert numbers["APmask"] > 60
    assert numbers["IoU"] > 80
    assert numbers["IoUst"] > 80


@pytest.mark.slow
@pytest.mark.parametrize("name", ["1", "F", "H", "I"])
def test_a_whole_table_of_two_steps(streets: Path, tmp_path: Path, name: Any):
    path = unified_table(
        name,
        str(streets),
        TINY,
        seeds=1,
        out=str(tmp_path),
    )
    text = path.read_text()
    for row in table(name, "facades").rows:
        assert f"| {row.name} | " in text
    again = unified_table(name, str(streets), TINY, seeds=1, out=str(tmp_path))  # nothing is trained again
    assert again.read_text() == text
    if name == "H":  # other decoding is measured anew, of the same networks
        surer = (*TINY, "method.inference.min_score=0.9")
        unified_table(name, str(streets), surer, seeds=1, out=str(tmp_path))
        assert len(json.loads((tmp_path / "facades-B-0" / "measured.json").read_text())) == 2
        with pytest.raises(InputError, match="got others of schedule.steps"):
            unified_table(name, str(streets), (*TINY, "schedule.steps=4"), seeds=1, out=str(tmp_path))
