"""What holds for every method: any size, any truth, batches, precision, learning, predicting."""

import dataclasses
import re
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.testing import assert_close

from intarsia.data import targets as data_targets
from intarsia.data.targets import PanopticTargets, targets_of
from intarsia.errors import InputError
from intarsia.methods.load import load
from intarsia.methods.unified import UnifiedPanoptic
from intarsia.metrics import PanopticQuality
from intarsia.nets import true_detections
from intarsia.panoptic import PanopticMap, Segment


@pytest.fixture
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def tensors(output):
    """What is on the grid; detections, which are not, stay as they are."""
    named = {field.name: getattr(output, field.name) for field in dataclasses.fields(output)}
    return {name: value for name, value in named.items() if isinstance(value, torch.Tensor)}


@pytest.mark.parametrize("zoom", [1, 2])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 7), (33, 65)])
def test_any_size_gives_a_grid_of_its_strides_and_a_map_of_its_size(method, height, width, zoom):
    backbone = dataclasses.replace(method.config.backbone, zoom=zoom)
    method = type(method)(dataclasses.replace(method.config, backbone=backbone), method.categories).eval()
    assert method.stride == 4 // zoom
    with torch.no_grad():
        output = method(torch.rand(2, 3, height, width))
    for tensor in tensors(output).values():
        assert tensor.shape[-2:] == (-(-height // method.stride), -(-width // method.stride))
    sizes = [(height, width), (1, max(width - 2, 1))]
    assert [one.size for one in method.decode(output, sizes)] == sizes


def test_a_model_shows_itself_in_three_lines_and_in_a_notebook_with_its_colours():
    method = load("facades")
    first, things, stuff = repr(method).splitlines()
    assert re.fullmatch(r"CombinatorialPanoptic, [\d,]+ parameters on cpu", first)
    assert things == "  5 things: " + ", ".join(row.name for row in method.categories.things)
    assert stuff.startswith("  5 stuff: facade")
    page = method._repr_html_()
    assert page.startswith(f"<b>{first}</b>")
    assert all(f"rgb{row.color}" in page and row.name in page for row in method.categories)


def test_a_method_is_where_its_parameters_are():
    method = load("facades")
    assert method.device == torch.device("cpu")
    assert method.to("meta").device == torch.device("meta")


def test_what_stands_in_the_padding_is_not_decoded(method, scene):
    with torch.no_grad():
        output = method(scene.image[None])
    inside = {name: tensor.clone() for name, tensor in tensors(output).items()}
    for tensor in inside.values():
        tensor[..., 8:, :] = 1e3
        tensor[..., 9:] = -1e3
    noisy = dataclasses.replace(output, **inside)
    size = [(32, 36)]
    cropped = dataclasses.replace(output, **{name: x[..., :8, :9] for name, x in tensors(output).items()})
    assert method.decode(noisy, size) == method.decode(cropped, size)


TRUTHS = {
    "only void": (np.zeros((20, 30), np.int32), []),
    "one stuff": (np.full((20, 30), 5, np.int32), [Segment(5, 6)]),
    "one thing": (np.full((20, 30), 5, np.int32), [Segment(5, 1)]),
    "a crowd": (np.full((20, 30), 5, np.int32), [Segment(5, 1, is_crowd=True)]),
    "a thing between the grid's points": (
        np.pad(np.full((1, 1), 5, np.int32), ((0, 19), (0, 29))),
        [Segment(5, 1)],
    ),
}


@pytest.mark.parametrize("truth", TRUTHS, ids=str)
@pytest.mark.parametrize("bf16", [False, True])
def test_losses_and_gradients_are_finite_for_any_truth(method, categories, truth, bf16):
    ids, segments = TRUTHS[truth]
    targets = targets_of(torch.from_numpy(ids), segments, categories)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
        losses = method.losses(method(torch.rand(1, 3, 20, 30)), targets)
    assert all(loss.shape == () and loss.isfinite() for loss in losses.values())
    torch.stack(list(losses.values())).sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in method.parameters())


def test_the_truth_is_sampled_to_the_grid_once_a_step(method, scene, categories, monkeypatch):
    samplings = []
    sampled = data_targets._sample
    monkeypatch.setattr(data_targets, "_sample", lambda *args: samplings.append(args[1]) or sampled(*args))
    truth = scene.targets.to("cpu")  # fresh ones
    for _ in range(2):
        method.losses(method(scene.image[None]), truth)
    assert samplings in ([], [method.stride])


def test_the_losses_of_a_batch_are_the_same_in_both_orders(method, scene, categories):
    other = targets_of(torch.from_numpy(scene.truth.ids[::-1].copy()), scene.truth.segments, categories)
    images = torch.stack([scene.image, scene.image.flip(1)])
    swapped = {}
    for order in ([0, 1], [1, 0]):
        pair = [(scene.targets, other)[n] for n in order]
        joined = PanopticTargets(
            semantic=torch.cat([t.semantic for t in pair]),
            instances=torch.cat([t.instances for t in pair]),
            crowd=torch.cat([t.crowd for t in pair]),
            boxes=tuple(t.boxes[0] for t in pair),
            centers=tuple(t.centers[0] for t in pair),
            categories=tuple(t.categories[0] for t in pair),
        )
        swapped[order[0]] = method.losses(method(images[order]), joined)
    assert_close(swapped[0], swapped[1], rtol=1e-4, atol=1e-5)


def test_a_method_learns_one_image_by_heart(method, scene, categories, one_thread):
    lr = 6e-3 if isinstance(method, UnifiedPanoptic) else 1e-2
    optimizer = torch.optim.Adam(method.parameters(), lr=lr)
    method.train()
    # heads behind a detector see other boxes in every step; how fast they learn differs by processor
    detects = hasattr(method, "detector")
    sums = []
    for _ in range(180 if detects else 50):
        losses = method.losses(method(scene.image[None]), scene.targets)
        loss = torch.stack(list(losses.values())).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        sums.append(float(loss.detach()))
    assert sums[-1] < (0.9 if detects else 0.3) * sums[0]
    quality = PanopticQuality(categories)
    quality.update(method.predict(scene.image), scene.truth)
    report = quality.compute()
    assert report.all.rq >= (0.7 if detects else 1)
    assert report.all.pq > (0.5 if detects else 0.85)


def test_predict_takes_whatever_is_an_image_and_leaves_the_mode_alone(method, scene, tmp_path):
    array = (scene.image.permute(1, 2, 0) * 255).byte().numpy()
    Image.fromarray(array).save(tmp_path / "image.png")
    method.train()
    from_tensor = method.predict(scene.image)
    assert isinstance(from_tensor, PanopticMap)
    assert method.training
    assert method.predict([array, tmp_path / "image.png", Image.fromarray(array)]) == [from_tensor] * 3
    assert method.predict([]) == []


def test_an_image_s_result_does_not_depend_on_its_neighbours(method, scene):
    images = [scene.image, scene.image.flip(2), torch.rand(3, 5, 9), scene.image]
    alone = [method.predict(image) for image in images]
    together = method.predict(images, batch=4)
    for one, other in zip(together, alone, strict=True):
        assert np.array_equal(one.ids, other.ids)
        assert [s.category_id for s in one.segments] == [s.category_id for s in other.segments]
        scores = [s.score for s in one.segments]  # convolutions of a batch round in another order
        assert scores == pytest.approx([s.score for s in other.segments], rel=1e-3)


def test_a_batch_of_none_is_refused(method, scene):
    with pytest.raises(InputError, match="`batch` must be at least 1, got 0"):
        method.predict([scene.image], batch=0)


def test_the_backbone_s_parameters_are_told_from_the_rest(method):
    groups = method.parameter_groups()
    backbone = {id(p) for p in method.backbone.parameters()}
    assert {id(p) for p in groups["backbone"]} == backbone
    trained = [p for p in method.parameters() if p.requires_grad]
    assert len(groups["backbone"]) + len(groups["rest"]) == len(trained)
    method.backbone.requires_grad_(False)
    assert method.parameter_groups()["backbone"] == []


def test_no_number_of_instances_is_too_large(method, scene):
    """Forty by forty grid points, each an instance of its own."""
    with torch.no_grad():
        whole = method(torch.zeros(1, 3, 160, 160))
    output: dict[str, Any] = tensors(whole)
    places = torch.arange(1600.0).view(1, 40, 40)
    if "semantic_logits" in output:
        output["semantic_logits"].zero_()[:, 0] = 9
    if "seed_logits" in output:
        mean = method.class_means.means[0, :, None, None].expand(-1, 40, 40)
        output["embeddings"] = torch.cat([torch.stack([places[0] * 4, places[0] * 0]), mean])[None]
        output["seed_logits"], output["sharpness"] = places * 0 + 5, places * 0
        changed = dataclasses.replace(method.config.decoding, min_thing_px=1, min_seed_points=1)
        method.config = dataclasses.replace(method.config, decoding=changed)
    elif "detections" in vars(whole):
        corners = 4 * torch.stack(torch.meshgrid(torch.arange(40), torch.arange(40), indexing="xy"), dim=-1)
        boxes = torch.cat([corners, corners + 4], dim=-1).flatten(0, 1).float()
        found = true_detections(boxes, torch.zeros(1600, dtype=torch.long))
        found = dataclasses.replace(found, mask_logits=torch.full((1600, 28, 28), 9.0))
        output["detections"] = (found,)
    elif "embeddings" in output:
        output["embeddings"] = torch.stack([places * 4, *[places * 0] * 3], dim=1)
        changed = dataclasses.replace(method.config.grouping, min_thing_px=1)
        method.config = dataclasses.replace(method.config, grouping=changed)
    elif "affinity_logits" in output:
        output["affinity_logits"].fill_(-9)
        changed = dataclasses.replace(method.config.cut, min_thing_px=1)
        method.config = dataclasses.replace(method.config, cut=changed)
    else:
        output["heat"] = (1 - places / 1e4) * (places % 2 == 0)
        method.config = dataclasses.replace(
            method.config, grouping=dataclasses.replace(method.config.grouping, nms_kernel=1, min_thing_px=1)
        )
        output["center_steps"] = output["center_steps"] * 0
    [result] = method.decode(dataclasses.replace(whole, **output), [(160, 160)])
    assert len(result.segments) >= 800
