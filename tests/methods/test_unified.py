"""Unified panoptic segmentation: the models of the paper, every open point as an option, affinities."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.functional import one_hot
from torch.testing import assert_close

from intarsia.data.targets import at_grid
from intarsia.errors import InputError
from intarsia.methods.unified import UnifiedPanoptic
from intarsia.methods.unified_config import InferenceConfig, PyramidConfig, UnifiedConfig
from intarsia.metrics import PanopticQuality
from intarsia.nets import SharedDecoderConfig, true_detections
from intarsia.nets.panoptic_head import AffinityConfig, MatchingConfig, PanopticHead, PotentialConfig
from intarsia.panoptic import Categories, Category
from tests.methods.conftest import BACKBONE, DETECTION

CONFIG = UnifiedConfig(
    backbone=BACKBONE,
    pyramid=PyramidConfig(width=8),
    decoder=SharedDecoderConfig(width=8, depth=1, deformable=False),
    detection=DETECTION,
    affinity=AffinityConfig(channels=4),
)


def method(categories, **changes) -> UnifiedPanoptic:
    torch.manual_seed(0)
    return UnifiedPanoptic(replace(CONFIG, **changes), categories).eval()


def true_output(unified, scene, *, shift=0.0, masks=True):
    """Perfect semantics and detections, boxes moved to the right by some pixels."""
    with torch.no_grad():
        output = unified(scene.image[None])
    grid = at_grid(scene.targets)
    logits = one_hot(grid.semantic, 4).permute(0, 3, 1, 2) * 20.0
    boxes = scene.targets.boxes[0] + torch.tensor([shift, 0, shift, 0])
    found = true_detections(boxes, scene.targets.categories[0])
    if masks:
        found = replace(found, mask_logits=torch.full((len(boxes), 28, 28), 9.0))
    return replace(output, semantic_logits=logits, detections=(found,))


def quality(prediction, scene, categories):
    result = PanopticQuality(categories)
    result.update(prediction, scene.truth)
    return result.compute().all


@pytest.mark.parametrize("rule", ["argmax", "merge"])
@pytest.mark.parametrize("variant", ["A", "B", "C"])
def test_perfect_tensors_give_the_true_segments(scene, categories, rule, variant):
    unified = method(
        categories,
        affinity=AffinityConfig(channels=0),
        potential=PotentialConfig(variant=variant),
        inference=InferenceConfig(rule=rule),
    )
    [result] = unified.decode(true_output(unified, scene), [scene.truth.size])
    found = quality(result, scene, categories)
    assert found.rq == 1
    assert found.pq > 0.85


def test_perfect_tensors_cost_almost_nothing(scene, categories):
    unified = method(categories, affinity=AffinityConfig(channels=0))
    assert unified.losses(true_output(unified, scene), scene.targets)["panoptic"] < 0.01


def test_affinities_recover_what_a_box_misses(scene, categories):
    """Boxes too far to the right by 12 of 16 px; affinities of the truth bring the lost columns back.

    Q is one-hot in the true segment, so that a pixel hears its own segment alone. The window's lost columns
    hear the others of the window, whose potential is 1.
    """
    unified = method(categories, affinity=AffinityConfig(channels=6, project=False))
    output = true_output(unified, scene, shift=12, masks=False)
    grid = at_grid(scene.targets)
    segment = torch.where(grid.instances > 0, grid.instances + 1, grid.semantic - 2)  # two of stuff first
    affinity = unified.head.affinity
    assert affinity is not None
    affinity.key = affinity.query = torch.nn.Linear(6, 6, bias=False)
    affinity.key.weight.data = 50 * torch.eye(6)
    q = one_hot(segment, 6).permute(0, 3, 1, 2).float()
    scores = []
    for gain in (0.0, 20.0):
        torch.nn.init.constant_(affinity.gain, gain)
        [result] = unified.decode(replace(output, affinity_features=q), [scene.truth.size])
        scores.append(quality(result, scene, categories).rq)
    assert scores == [0.5, 1.0]  # stuff alone, and everything
    at = unified.affinity_map(replace(output, affinity_features=q), 0, size=scene.truth.size, pixel=(8, 10))
    own = segment[0] == segment[0, 2, 2]
    assert_close(at[own].sum(), torch.tensor(1.0))
    assert at[~own].max() < 1e-6


def test_an_affinity_map_needs_affinities_and_a_pixel(scene, categories):
    plain = method(categories, affinity=AffinityConfig(channels=0))
    output = true_output(plain, scene)
    with pytest.raises(
        InputError, match="`affinity.channels` must be above 0 where affinities are asked for"
    ):
        plain.affinity_map(output, 0, size=scene.truth.size, pixel=(0, 0))
    unified = method(categories)
    with pytest.raises(InputError, match=r"`pixel` must be in the image of 66x70, got \(66, 0\)"):
        unified.affinity_map(true_output(unified, scene), 0, size=scene.truth.size, pixel=(66, 0))


def test_stuff_is_trimmed_where_it_is_asked_for(scene, categories):
    """The grass has 16 x 70 = 1120 pixels, 1260 as the grid sees it."""
    for least, kept in ((1, True), (1300, False)):
        unified = method(
            categories,
            affinity=AffinityConfig(channels=0),
            inference=InferenceConfig(min_stuff_px=least),
        )
        [result] = unified.decode(true_output(unified, scene), [scene.truth.size])
        assert (7 in {s.category_id for s in result.segments}) == kept
        assert bool((result.ids == 0).any()) != kept


def test_unsure_detections_do_not_enter(scene, categories):
    unified = method(categories, affinity=AffinityConfig(channels=0))
    output = true_output(unified, scene)
    [found] = output.detections
    unsure = replace(found, scores=torch.tensor([0.9, 0.6, 0.4, 0.1]))
    [result] = unified.decode(replace(output, detections=(unsure,)), [scene.truth.size])
    things = {c.id for c in categories.things}
    assert sum(s.category_id in things for s in result.segments) == 2


OPTIONS = {
    "activation": {"affinity": AffinityConfig(channels=4, activation="relu")},
    "projection": {"affinity": AffinityConfig(channels=4, project=False)},
    "tied": {"affinity": AffinityConfig(channels=4, tied=True, iterations=2)},
    "normalisation": {"matching": MatchingConfig(normalisation="sum")},
    "sharpness": {"matching": MatchingConfig(sharpness=1.0)},
    "unmatched detections": {"matching": MatchingConfig(unmatched_detections="drop")},
    "greedy": {"matching": MatchingConfig(matching="greedy", min_iou=0.3)},
    "true boxes": {"matching": MatchingConfig(detections="true", keep_truth=0.7)},
    "void": {
        "potential": PotentialConfig(variant="A"),
        "matching": MatchingConfig(detections="true", keep_truth=0.7, unmatched_truth="void"),
    },
    "variant C": {"potential": PotentialConfig(variant="C", stuff_score=0.8)},
    "depth": {"decoder": SharedDecoderConfig(width=8, depth=3, deformable=True)},
    "average": {"pyramid": PyramidConfig(width=8, top_context="average")},
    "no context": {"pyramid": PyramidConfig(width=8, top_context="none")},
    "boxes alone": {"detection": replace(DETECTION, masks=False)},
    "not end to end": {"matching": MatchingConfig(weight=0.0)},
}


@pytest.mark.parametrize("name", OPTIONS)
def test_what_the_paper_leaves_open_is_an_option_that_trains(name, scene, categories):
    """Every parameter that an option builds gets a gradient."""
    unified = method(categories, **OPTIONS[name]).train()
    losses = unified.losses(unified(scene.image[None]), scene.targets)
    assert ("panoptic" in losses) == (name != "not end to end")
    torch.stack(list(losses.values())).sum().backward()
    used = {n: p.grad for n, p in unified.named_parameters() if p.requires_grad}
    if name == "not end to end":
        used = {n: g for n, g in used.items() if not n.startswith(("head.", "affinity_decoder."))}
    assert not [n for n, g in used.items() if g is None or not g.isfinite().all()]


def test_the_panoptic_loss_trains_semantics_scores_masks_and_affinities(scene, categories):
    unified = method(categories, detection=replace(DETECTION, min_score=0.01)).train()
    loss = unified.losses(unified(scene.image[None]), scene.targets)["panoptic"]
    loss.backward()
    trained = {n for n, p in unified.named_parameters() if p.grad is not None and p.grad.any()}
    for part in (
        "semantic_head",
        "detector.heads.box_predictor.cls_score",
        "detector.heads.mask_predictor",
        "head.affinity",
        "affinity_decoder",
        "backbone",
    ):
        assert any(n.startswith(part) for n in trained), part
    assert not any("bbox_pred" in n for n in trained)  # edges of boxes are hard


def test_training_without_the_loss_looks_for_no_detections(scene, categories):
    unified = method(categories, matching=MatchingConfig(weight=0.0))
    assert len(unified.train()(scene.image[None]).detections) == 0
    assert len(unified.eval()(scene.image[None]).detections) == 1


def test_all_true_boxes_are_kept_unless_some_are_to_be_dropped(categories):
    truth = true_detections(torch.zeros(400, 4), torch.zeros(400, dtype=torch.long))
    assert len(method(categories).head.sample_truth(truth)) == 400
    torch.manual_seed(0)
    some = method(categories, matching=MatchingConfig(detections="true", keep_truth=0.7)).head.sample_truth(
        truth
    )
    assert 240 < len(some) < 320


@pytest.mark.parametrize("is_thing", [True, False])
def test_only_things_and_only_stuff_work(scene, is_thing):
    one_kind = Categories([Category(n, f"{n}", is_thing, (n, n, n)) for n in (1, 2, 6, 7)])
    unified = method(one_kind)
    result = unified.predict(scene.image)
    assert result.size == scene.truth.size
    if not is_thing:
        assert np.all(result.ids > 0)


def test_settings_that_cannot_be_are_refused():
    with pytest.raises(InputError, match="`inference.rule` must be 'argmax' without masks, got 'merge'"):
        replace(CONFIG, detection=replace(DETECTION, masks=False), inference=InferenceConfig(rule="merge"))
    with pytest.raises(InputError, match="`matching.unmatched_truth` must be 'ignore' without variant A"):
        head(PotentialConfig(), MatchingConfig(unmatched_truth="void"))
    with pytest.raises(InputError, match="`matching.normalisation` must be 'softmax' in variant A"):
        head(PotentialConfig(variant="A"), MatchingConfig(normalisation="sum"))
    with pytest.raises(InputError, match=r"`matching.keep_truth` must be in \(0, 1\], got 0"):
        MatchingConfig(keep_truth=0.0)
    with pytest.raises(InputError, match="`matching.max_detections` must be at least 1, got 0"):
        MatchingConfig(max_detections=0)
    with pytest.raises(InputError, match="`matching.sharpness` must be above 0, got 0"):
        MatchingConfig(sharpness=0.0)
    with pytest.raises(InputError, match="`affinity.channels` must be at least 0, got -1"):
        AffinityConfig(channels=-1)
    with pytest.raises(InputError, match=r"`inference.min_score` must be in \[0, 1\], got 2"):
        InferenceConfig(min_score=2.0)
    with pytest.raises(InputError, match="`pyramid.width` must be at least 1, got 0"):
        PyramidConfig(width=0)


def head(potential, matching):
    return PanopticHead(potential, AffinityConfig(channels=4), matching, channels_in=8, stuff=(1,), stride=4)
