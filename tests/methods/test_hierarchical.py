"""The hierarchical embedding: decoding of embeddings made by hand, and each switch of our reading."""

import dataclasses

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from intarsia.data.targets import at_grid
from intarsia.decoding.seeds import SeedDecodingConfig
from intarsia.errors import InputError
from intarsia.methods.combinatorial import CombinatorialPanoptic
from intarsia.methods.hierarchical import HierarchicalConfig, HierarchicalEmbedding, HierarchicalOutput
from intarsia.methods.hierarchical_config import (
    HierarchicalEmbeddingConfig,
    HierarchicalLossConfig,
)
from intarsia.methods.panoptic_fpn import PanopticFpn
from intarsia.methods.unified import UnifiedPanoptic
from intarsia.metrics import PanopticQuality
from intarsia.nets import BackboneConfig, DecoderConfig
from tests.methods.conftest import CATEGORIES

SIZE = (66, 70)


def small(*, embedding=None, loss=None, decoding=None):
    torch.manual_seed(0)
    config = HierarchicalConfig(
        backbone=BackboneConfig(name="lcnet_050"),
        decoder=DecoderConfig(width=8),
        head_width=8,
        head_depth=1,
        embedding=HierarchicalEmbeddingConfig(features=4, **(embedding or {})),
        loss=HierarchicalLossConfig(**(loss or {})),
        decoding=SeedDecodingConfig(**(decoding or {})),
    )
    return HierarchicalEmbedding(config, CATEGORIES).eval()


def output_of(method, scene):
    """Coordinate 4 n in instance n, features at the class mean, seeds 0.9, σ = 1 / sqrt(2)."""
    grid = at_grid(scene.targets)
    features = method.class_means.means.detach()[grid.semantic].permute(0, 3, 1, 2)
    first = grid.instances[:, None] * 4.0
    seeds = torch.full(grid.instances.shape, 2.2)
    return HierarchicalOutput(torch.cat([first, first * 0, features], dim=1), seeds, seeds * 0)


def quality(prediction, scene):
    tally = PanopticQuality(CATEGORIES)
    tally.update(prediction, scene.truth)
    return tally.compute().all


def test_perfect_tensors_give_the_true_segments(scene):
    method = small()
    [result] = method.decode(output_of(method, scene), [SIZE])
    assert quality(result, scene).rq == 1
    assert quality(result, scene).pq > 0.85  # edges are only known to a grid point
    assert len(result.segments) == len(scene.truth.segments)


def test_one_cut_gives_the_true_segments(scene):
    """Instances are four apart, their margin is 0.83: pairs across attract with exp(-ln 2 (4 / 0.83)^2)."""
    method = small(decoding={"kind": "cut"})
    [result] = method.decode(output_of(method, scene), [SIZE])
    assert quality(result, scene).rq == 1
    assert quality(result, scene).pq > 0.85
    wide = small(decoding={"kind": "cut", "pair_margins": 50.0})  # windows 4.8 margins apart attract
    [joined] = wide.decode(output_of(wide, scene), [SIZE])
    assert len(joined.segments) < len(scene.truth.segments)
    with pytest.raises(InputError, match="`decoding.pair_margins` must be above 0"):
        small(decoding={"pair_margins": 0.0})


def test_a_category_without_mean_is_never_cut_out(scene):
    method = small(decoding={"kind": "cut"})
    method.class_means.seen[1:] = True
    [result] = method.decode(output_of(method, scene), [SIZE])
    assert 1 not in {segment.category_id for segment in result.segments}


def test_the_score_is_the_seed_times_the_certainty(scene):
    """Class means are sqrt(18) apart: the others' probabilities are exp(-9) each, the seed is 0.9."""
    method = small()
    [result] = method.decode(output_of(method, scene), [SIZE])
    scores = [s.score for s in result.segments if s.category_id in (1, 2)]
    assert scores == pytest.approx([0.9002] * 4, abs=2e-3)


def test_low_seeds_find_nothing_but_may_join(scene):
    method, truth = small(), at_grid(scene.targets)
    output = output_of(method, scene)
    quiet = output.seed_logits.masked_fill(truth.instances == 1, -3.0)
    [result] = method.decode(dataclasses.replace(output, seed_logits=quiet), [SIZE])
    assert len(result.segments) == len(scene.truth.segments) - 1
    far = output.embeddings.clone()
    far[:, 0] += (
        truth.instances == 1
    ) * 3.0  # instance 1 at 7, a distance of 1 to instance 2, of 0.83 margins
    moved = dataclasses.replace(output, embeddings=far, seed_logits=quiet)
    [result] = method.decode(moved, [SIZE])
    joined = sum(result.area(s.id) for s in result.segments if s.category_id in (1, 2))
    assert joined < 4 * 18 * 16 * 0.85  # the neighbour is of the other category: they do not join


def test_classes_that_training_has_not_shown_are_not_predicted(scene):
    method = small()
    output = output_of(method, scene)
    method.class_means.seen[:3] = True
    [result] = method.decode(output, [SIZE])
    assert 7 not in {s.category_id for s in result.segments}


def test_instances_start_with_the_radius_of_the_settings():
    method = small(embedding={"unit_px": 100.0, "start_radius_px": 5.0})
    with torch.no_grad():
        method.head.last.weight.zero_()
        [view] = method.views(method(torch.rand(1, 3, 32, 32)), [(32, 32)])
    field = method.map_decoder.embedding_field(view)
    np.testing.assert_allclose(field.margin, 0.05, rtol=1e-5)


def test_fixed_margins_do_not_learn(scene):
    method = small(embedding={"sigma": "fixed"})
    output = method(scene.image[None])
    assert_close(output.sharpness, torch.full_like(output.sharpness, method.config.embedding.start_sharpness))
    assert method.head.last.out_channels == small().head.last.out_channels - 1


@pytest.mark.parametrize(("coordinates", "dims"), [("none", 4), ("input", 4), ("added", 6)])
def test_only_added_coordinates_are_dimensions(coordinates, dims, scene):
    method = small(embedding={"coordinates": coordinates})
    output = method(scene.image[None])
    assert output.embeddings.shape[1] == dims
    assert method.class_means.means.shape == (4, 4)
    assert all(loss.isfinite() for loss in method.losses(output, scene.targets).values())


def test_two_branches_train_logits_and_decode_coordinates(scene):
    method = small(embedding={"branches": "two"})
    grid = at_grid(scene.targets)
    logits = torch.nn.functional.one_hot(grid.semantic, 4).permute(0, 3, 1, 2) * 20.0
    first = grid.instances[:, None] * 4.0
    seeds = torch.full(grid.instances.shape, 2.2)
    output = HierarchicalOutput(torch.cat([first, first * 0, logits], dim=1), seeds, seeds * 0)
    assert method(scene.image[None]).embeddings.shape == output.embeddings.shape
    [result] = method.decode(output, [SIZE])
    assert quality(result, scene).rq == 1
    losses = method.losses(output, scene.targets)
    assert losses["category"].item() < 1e-6
    assert losses["instance"].item() < 1e-6
    with pytest.raises(InputError, match='`embedding.coordinates` must be "added" with two branches'):
        small(embedding={"branches": "two", "coordinates": "none"})


SWITCHES = [
    {"mean_source": "learned"},
    {"mean_source": "ema"},
    {"mean_source": "online", "mean_reset_every": 2},
    {"category_sigma": "per_class"},
    {"category_sigma": "shared"},
    {"instance_loss": "hinge", "category_loss": "bce"},
    {"instance_loss": "focal", "category_loss": "hinge"},
    {"to_center": True, "stuff_as_instances": True},
    {"absent": "hinge", "cross_entropy_weight": 1.0, "hierarchy_weight": 1.0},
]


@pytest.mark.parametrize("loss", SWITCHES, ids=lambda loss: "-".join(map(str, loss.values())))
def test_every_switch_of_the_loss_trains_what_it_should(loss, scene):
    method = small(loss=loss, embedding={"category_dims": "all"}).train()
    losses = method.losses(method(scene.image[None]), scene.targets)
    torch.stack(list(losses.values())).sum().backward()
    assert all(x.isfinite() for x in losses.values())
    assert {"hierarchy", "cross_entropy"} <= losses.keys() or "absent" not in loss
    gradient = method.head.last.weight.grad
    assert gradient is not None
    assert gradient.isfinite().all()
    sigma, means = method.category_log_lambda, method.class_means.prototypes
    assert (sigma is not None and sigma.grad is not None) == ("category_sigma" in loss)
    assert (means is not None and means.grad is not None) == (loss.get("mean_source") == "learned")


def test_stuff_becomes_instances_behind_the_things(scene):
    grid = at_grid(scene.targets)
    numbers = small()._with_stuff(grid)
    assert numbers.unique().tolist() == [1, 2, 3, 4, 7, 8]  # 5 + the index of facade and grass
    assert torch.equal(numbers[grid.instances > 0], grid.instances[grid.instances > 0])


def test_training_moves_the_class_means_and_evaluation_does_not(scene):
    method = small()
    before = method.class_means.means.clone()
    method.losses(method(scene.image[None]), scene.targets)
    assert torch.equal(method.class_means.means, before)
    method.train().losses(method(scene.image[None]), scene.targets)
    assert not torch.equal(method.class_means.means, before)


def test_settings_that_cannot_be_are_refused():
    with pytest.raises(InputError, match="`embedding.features` must be at least 1, got 0"):
        HierarchicalEmbeddingConfig(features=0)
    with pytest.raises(InputError, match="`embedding.unit_px` must be above 0, got -1"):
        HierarchicalEmbeddingConfig(unit_px=-1.0)
    with pytest.raises(InputError, match="`loss.seed_weight` must be at least 0, got -1"):
        HierarchicalLossConfig(seed_weight=-1.0)
    with pytest.raises(InputError, match=r"`decoding.leftover_membership` must be in \(0, 1\), got 1"):
        SeedDecodingConfig(leftover_membership=1.0)


def test_methods_with_an_embedding_have_a_field_and_the_others_say_so(method):
    with torch.no_grad():
        [view] = method.views(method(torch.rand(1, 3, 20, 24)), [(20, 24)])
    if isinstance(method, CombinatorialPanoptic | PanopticFpn | UnifiedPanoptic):
        with pytest.raises(InputError, match="`model` must be of a method with an embedding, got one that"):
            method.map_decoder.embedding_field(view)
        return
    field = method.map_decoder.embedding_field(view)
    assert field.margin.shape == (5, 6) == field.embeddings[0].shape
    assert (field.margin > 0).all()
