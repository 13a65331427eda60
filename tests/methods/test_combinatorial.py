"""The combinatorial method: perfect tensors, oracles, fine-tuning through the cut, what is frozen."""

import copy
import dataclasses

import pytest
import torch
from scipy.ndimage import binary_erosion
from torch.nn.functional import one_hot
from torch.testing import assert_close

from intarsia.data.affinity_targets import affinity_targets
from intarsia.data.targets import at_grid, with_void_class
from intarsia.decoding.cut import CutConfig
from intarsia.errors import InputError
from intarsia.methods.affinity import AffinityLossConfig
from intarsia.methods.combinatorial import CombinatorialOutput, CombinatorialPanoptic
from intarsia.methods.end_to_end import EndToEndConfig
from intarsia.methods.load import load
from intarsia.methods.transfer import start_from
from intarsia.metrics import PanopticQuality
from intarsia.panoptic import VOID_INDEX
from tests.methods.conftest import combinatorial

SIZE = (66, 70)


@pytest.fixture(scope="module")
def small():
    torch.manual_seed(0)
    return combinatorial().eval()


def end_to_end(small, **changes) -> CombinatorialPanoptic:
    """The same weights, to be trained through the cut."""
    config = dataclasses.replace(small.config, end_to_end=EndToEndConfig(**changes))
    method = CombinatorialPanoptic(config, small.categories)
    method.load_state_dict(small.state_dict())
    return method


def output_of(small, scene, *, sure=6.0):
    """The logits of the truth."""
    grid = at_grid(scene.targets)
    logits = one_hot(grid.semantic, 4).permute(0, 3, 1, 2) * 2 * sure
    joined = affinity_targets(grid, small.offsets).joined
    return CombinatorialOutput(logits.float(), joined * 2 * sure - sure)


def quality(categories, prediction, scene):
    tally = PanopticQuality(categories)
    tally.update(prediction, scene.truth)
    return tally.compute().all


def test_perfect_tensors_give_the_true_segments(small, scene, categories):
    [result] = small.decode(output_of(small, scene), [SIZE])
    assert quality(categories, result, scene).rq == 1
    assert quality(categories, result, scene).pq > 0.85
    assert len(result.segments) == len(scene.truth.segments)
    assert min(s.score for s in result.segments) > 0.9


def test_perfect_tensors_cost_almost_nothing(small, scene):
    losses = small.losses(output_of(small, scene, sure=20.0), scene.targets)
    assert losses["affinity"] < 1e-6


def test_touching_things_of_one_category_are_told_apart_by_affinities_alone(small, scene, categories):
    output = output_of(small, scene)
    logits = output.semantic_logits.clone()
    logits[:, 0] = logits[:, 1] = torch.maximum(logits[:, 0], logits[:, 1])  # window or door?
    [result] = small.decode(dataclasses.replace(output, semantic_logits=logits), [SIZE])
    assert len([s for s in result.segments if s.category_id in (1, 2)]) == 4


def test_oracles_mend_the_part_that_they_replace(small, scene, categories):
    output = output_of(small, scene)
    wrong_semantics = dataclasses.replace(output, semantic_logits=output.semantic_logits.flip(1))
    wrong_affinities = dataclasses.replace(output, affinity_logits=-output.affinity_logits)

    def rq(output, **oracle):
        [result] = small.decode_with_oracle(output, [SIZE], scene.targets, **oracle)
        return quality(categories, result, scene).rq

    assert rq(wrong_semantics) == 0
    assert rq(wrong_semantics, semantics=True) == 1
    assert rq(wrong_affinities) < 1
    assert rq(wrong_affinities, affinities=True) == 1
    assert rq(output) == 1


def test_without_an_oracle_the_oracle_s_verb_is_decode(small, scene):
    with torch.no_grad():
        output = small(scene.image[None])
    assert small.decode_with_oracle(output, [SIZE], scene.targets) == small.decode(output, [SIZE])


@pytest.mark.parametrize("solver", ["greedy", "contraction", "lazy contraction"])
def test_every_solver_decodes(small, scene, categories, solver):
    method = copy.copy(small)
    method.config = dataclasses.replace(small.config, cut=CutConfig(solver=solver, small="void"))
    [result] = method.decode(output_of(small, scene), [SIZE])
    assert quality(categories, result, scene).rq == 1


@pytest.mark.parametrize("loss", ["surrogate", "separate"])
def test_fine_tuning_through_the_cut_mends_wrong_scales(small, scene, categories, loss):
    """With affinities that repel too much everything falls apart; only the costs' scales are trained."""
    method = end_to_end(small, loss=loss, highest=200.0, cost_dropout=0.0).train()
    output = output_of(small, scene, sure=1.0)
    output = dataclasses.replace(output, affinity_logits=output.affinity_logits - 1.6)
    before = quality(categories, method.decode(output, [SIZE])[0], scene).pq
    optimizer = torch.optim.Adam(method.costs.parameters(), lr=0.1)
    torch.manual_seed(0)
    for _ in range(10):
        terms = method.losses(output, scene.targets)
        optimizer.zero_grad()
        torch.stack(list(terms.values())).sum().backward()
        optimizer.step()
    after = quality(categories, method.decode(output, [SIZE])[0], scene).pq
    assert after > before + 0.1


TRAINED = {
    "last": {"semantic_head.last", "affinity_head.classifiers", "costs"},
    "heads": {"semantic_head.body", "semantic_head.last", "affinity_head.features", "costs"},
}


@pytest.mark.parametrize("trained", ["last", "heads", "all"])
def test_what_is_trained_gets_a_gradient_and_the_rest_stays(small, scene, trained):
    method = end_to_end(small, trained=trained, highest=50.0).train()
    for _ in range(3):  # one draw of lambda may see nothing
        torch.stack(list(method.losses(method(scene.image[None]), scene.targets).values())).sum().backward()
    touched = {n for n, p in method.named_parameters() if p.grad is not None and p.grad.any()}
    allowed = {n for n, p in method.named_parameters() if p.requires_grad}
    assert touched <= allowed
    assert any(n.startswith("affinity_head.classifiers.1.last") for n in touched)
    if trained == "all":
        assert any(n.startswith("backbone.") for n in touched)
    else:
        assert not any(n.startswith(("backbone.", "decoder.")) for n in allowed)
        assert TRAINED[trained] <= {".".join(n.split(".")[:2]) for n in allowed} | {"costs"}
        assert not method.decoder.training
    if trained == "last":
        assert not any(".body." in n or ".features." in n for n in allowed)


def test_the_paper_s_choice_is_one_layer_of_the_semantics_and_two_of_each_classifier(small):
    method = end_to_end(small, trained="last_two", frozen_norms="all")
    trained = {n for n, p in method.named_parameters() if p.requires_grad}
    semantics = {"semantic_head.last.weight", "semantic_head.last.bias"}
    classifiers = {
        f"affinity_head.classifiers.{n}.{part}"
        for n in range(len(method.affinity_head.classifiers))
        for part in ("body.1.0.weight", "last.weight", "last.bias")
    }
    assert trained == semantics | classifiers
    norms = end_to_end(small, trained="last_two")
    assert any("body.1.1." in n for n, p in norms.named_parameters() if p.requires_grad)


def test_pre_training_leaves_the_scales_of_the_costs_alone(small):
    assert not any(p.requires_grad for p in small.costs.parameters())
    assert all(p.requires_grad for p in small.affinity_head.parameters())


def test_the_ladder_slows_what_lies_below_the_costs(small):
    method = end_to_end(small, ladder=20.0)
    groups = method.parameter_groups()
    assert method.lr_factors == {"costs": 1.0, "last": 1 / 20, "body": 1 / 40, "features": 1 / 60}
    assert {id(p) for p in groups["costs"]} == {id(p) for p in method.costs.parameters()}
    assert len(groups["features"]) == len(list(method.affinity_head.features.parameters()))
    assert groups["backbone"] == []
    trained = [p for p in method.parameters() if p.requires_grad]
    assert sum(map(len, groups.values())) == len(trained)
    assert small.lr_factors == {}


@pytest.mark.parametrize("trained", ["last", "last_two", "heads"])
def test_any_affinity_head_climbs_the_ladder(small, trained):
    affinity = dataclasses.replace(small.config.affinity, kind="maps")
    config = dataclasses.replace(
        small.config, affinity=affinity, end_to_end=EndToEndConfig(ladder=20.0, trained=trained)
    )
    method = CombinatorialPanoptic(config, small.categories)
    groups = method.parameter_groups()
    last = {
        id(p)
        for head in (method.semantic_head, method.affinity_head)
        for p in head.layers.last[0].parameters()
    }
    assert {id(p) for p in groups["last"]} == last
    assert bool(groups["body"]) == (trained == "heads")
    assert groups["features"] == groups["backbone"] == []


def test_dropout_of_costs_is_for_training_only_and_repeatable(small, scene):
    method = end_to_end(small, cost_dropout=0.5)
    output = output_of(small, scene, sure=1.0)

    def loss(seed):
        torch.manual_seed(seed)
        return float(method.losses(output, scene.targets)["quality"].detach())

    method.train()
    assert loss(0) == loss(0)
    assert len({loss(seed) for seed in range(4)}) > 1
    method.eval()
    assert len({loss(seed) for seed in range(4)}) == 1


def test_a_scaled_loss_has_the_same_gradient_once_it_is_unscaled(small, scene):
    gradients = []
    for scale in (1.0, 1024.0):
        method = end_to_end(small, cost_dropout=0.0).train()
        method.loss_scale = scale
        torch.manual_seed(1)
        output = output_of(small, scene, sure=1.0)
        output = dataclasses.replace(output, affinity_logits=output.affinity_logits - 1.6)
        (scale * method.losses(output, scene.targets)["quality"]).backward()
        gradient = method.costs.affinity_offset.grad
        assert gradient is not None
        gradients.append(gradient / scale)
    assert gradients[0].any()
    assert_close(*gradients)


def test_the_losses_of_pre_training_may_stay(small, scene):
    terms = end_to_end(small, pretraining_weight=0.5).losses(output_of(small, scene), scene.targets)
    alone = small.losses(output_of(small, scene), scene.targets)
    assert set(terms) == {"quality", *alone}
    assert_close(terms["affinity"], 0.5 * alone["affinity"])


def test_the_past_of_the_loss_is_kept_with_the_run_and_not_with_the_model(small, scene, tmp_path):
    settings = {"form": "exact", "memory": 0.9}
    small.save(tmp_path / "pretrained")
    method = CombinatorialPanoptic(
        dataclasses.replace(small.config, end_to_end=EndToEndConfig(**settings)), small.categories
    ).train()
    start_from(method, str(tmp_path / "pretrained"))
    method.losses(output_of(small, scene), scene.targets)
    assert method.state_dict()["pooled.counted"].sum() > 0
    method.save(tmp_path / "tuned")
    again = end_to_end(small)
    start_from(again, str(tmp_path / "tuned"))
    assert not any(name.startswith("pooled") for name in again.state_dict())


def test_learned_areas_move_with_the_loss_and_decode_what_was_learned(small, scene, categories, tmp_path):
    config = dataclasses.replace(
        small.config, end_to_end=EndToEndConfig(learned_areas=True, cost_dropout=0.0)
    )
    method = CombinatorialPanoptic(config, small.categories).train()
    method.load_state_dict(small.state_dict(), strict=False)
    # the areas to begin with are those of decoding, and so is the map
    output = output_of(small, scene)
    assert method.least_areas().tolist() == config.cut.least_px(categories).tolist()
    [before], [same] = small.decode(output, [SIZE]), method.decode(output, [SIZE])
    assert (before.ids == same.ids).all()
    # a spurious window costs less where larger ones are left out, too: its area wants to grow
    logits = output.semantic_logits.clone()
    logits[:, 0, :3, :3] += 30
    spurious = dataclasses.replace(output, semantic_logits=logits)
    torch.stack([*method.losses(spurious, scene.targets).values()]).sum().backward()
    areas = method.least_areas.log_factor
    assert areas is not None
    assert areas.grad is not None
    assert areas.grad[0] < 0
    # learned areas are kept with the model, and what is below them is void
    with torch.no_grad():
        areas.fill_(10.0)
    method.save(tmp_path)
    loaded = load(tmp_path)
    assert isinstance(loaded, CombinatorialPanoptic)
    assert loaded.map_decoder.cut.category_px == method.map_decoder.cut.category_px
    assert not loaded.decode(output, [SIZE])[0].segments


def test_sizes_of_categories_are_one_each(categories):
    with pytest.raises(InputError, match="`cut.category_px` must be a size for each of 4 categories, got 1"):
        CutConfig(category_px=(1,)).least_px(categories)
    assert CutConfig(category_px=(0, 5, 6, 7)).least_px(categories).tolist() == [1, 5, 6, 7]


def test_a_model_starts_from_another_one(small, tmp_path):
    small.save(tmp_path / "model")
    fresh = end_to_end(combinatorial())
    assert any((a != b).any() for a, b in zip(fresh.parameters(), small.parameters(), strict=True))
    start_from(fresh, str(tmp_path / "model"))
    assert all((a == b).all() for a, b in zip(fresh.parameters(), small.parameters(), strict=True))


def test_wrong_settings_are_refused():
    for config, values, message in [
        (AffinityLossConfig, {"hardest": 0.0}, r"`affinity_loss.hardest` must be a share in \(0, 1\]"),
        (AffinityLossConfig, {"weight": -1.0}, "`affinity_loss.weight` must be at least 0, got -1.0"),
        (EndToEndConfig, {"weight": 0.0}, "`end_to_end.weight` must be above 0, got 0.0"),
        (EndToEndConfig, {"cost_dropout": 1.0}, r"`end_to_end.cost_dropout` must be in \[0, 1\)"),
        (EndToEndConfig, {"ladder": -1.0}, "`end_to_end.ladder` must be at least 0"),
        (
            EndToEndConfig,
            {"learned_areas": True, "trained": "last_two"},
            '`end_to_end.learned_areas` must be false with the loss "separate" and with "last_two", got True',
        ),
        (EndToEndConfig, {"memory": 0.5}, '`end_to_end.memory` must be 0 with the form "released"'),
        (EndToEndConfig, {"num_samples": 0}, "`num_samples` must be at least 1"),
    ]:
        with pytest.raises(InputError, match=message):
            config(**values)


def test_with_a_class_for_void_what_is_unlabelled_is_left_void(small, scene, categories):
    """Perfect tensors of a scene whose grass nobody labelled: everything else is found, the grass is void."""
    on_grid = dataclasses.replace(small.config.semantic_loss, resolution="grid")
    config = dataclasses.replace(small.config, void_class=True, semantic_loss=on_grid)
    method = CombinatorialPanoptic(config, small.categories).eval()
    grass = categories.index_of(7)
    unlabelled = torch.where(scene.targets.semantic == grass, VOID_INDEX, scene.targets.semantic)
    targets = dataclasses.replace(scene.targets, semantic=unlabelled)
    grid = at_grid(with_void_class(targets, len(categories)))
    logits = one_hot(grid.semantic, 5).permute(0, 3, 1, 2) * 40.0
    joined = affinity_targets(grid, method.offsets).joined
    output = CombinatorialOutput(logits, joined * 40.0 - 20.0)
    assert sum(method.losses(output, targets).values()) < 1e-3
    [result] = method.decode(output, [SIZE])
    assert len(result.segments) == len(scene.truth.segments) - 1
    # a border of the grid lies at most half a cell from the true one
    is_grass = scene.truth.semantic(categories) == grass
    half_cell = method.stride // 2
    assert (result.ids == 0)[binary_erosion(is_grass, iterations=half_cell, border_value=True)].all()
    assert (result.ids != 0)[binary_erosion(~is_grass, iterations=half_cell, border_value=True)].all()


def test_with_a_class_for_void_the_network_can_be_trained_through_the_cut(small, scene):
    config = dataclasses.replace(small.config, void_class=True, end_to_end=EndToEndConfig())
    method = CombinatorialPanoptic(config, small.categories).train()
    torch.manual_seed(0)
    losses = method.losses(method(scene.image[None]), scene.targets)
    losses["quality"].backward()
    assert all(p.grad.isfinite().all() for p in method.parameters() if p.grad is not None)
