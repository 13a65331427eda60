"""Decoders and heads: stride 4 out, whatever the options; settings that cannot be."""

import pytest
import torch
from torch.testing import assert_close

from intarsia.errors import InputError
from intarsia.nets import (
    Backbone,
    BackboneConfig,
    ConvHead,
    DecoderConfig,
    DeepLabDecoder,
    EmbeddingHead,
    EmbeddingHeadConfig,
    UnetDecoder,
    build_decoder,
)
from intarsia.nets.blocks import ConvStyle, conv_block
from intarsia.nets.heads import position_grid


@pytest.fixture(scope="module")
def backbone():
    return Backbone(BackboneConfig(name="test_resnet")).eval()


@pytest.mark.parametrize("kind", ["deeplab", "fpn", "mlp", "unet"])
@pytest.mark.parametrize("separable", [True, False])
@pytest.mark.parametrize("norm", ["batch", "group"])
def test_every_decoder_ends_at_stride_4(backbone, kind, separable, norm):
    config = DecoderConfig(kind=kind, width=12, skip_channels=(4, 4, 4), separable=separable, norm=norm)
    decoder = build_decoder(config, backbone).train()
    result = decoder(backbone(torch.rand(2, 3, 40, 64)))
    assert result.shape == (2, 12, 16, 16)
    result.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in decoder.parameters())


def test_one_image_of_one_pixel_can_be_trained_on(backbone):
    """Batch norm refuses one value a channel; the pooled branch has none, and groups do not care."""
    decoder = build_decoder(DecoderConfig(width=8, norm="group"), backbone).train()
    assert decoder(backbone(torch.rand(1, 3, 1, 1))).shape == (1, 8, 8, 8)


def test_the_deeplab_decoder_fuses_two_levels_at_output_stride_16_and_three_at_32(backbone):
    dilated = Backbone(BackboneConfig(name="test_resnet", output_stride=16))
    for network, fusions in ((dilated, 2), (backbone, 3)):
        decoder = DeepLabDecoder(DecoderConfig(width=8), network.strides, network.channels)
        assert (
            sum(name.startswith("fusions.") and name.endswith("0.weight") for name in decoder.state_dict())
            == fusions
        )


def test_group_norm_takes_the_most_groups_that_divide_the_channels():
    groups = {channels: conv_block(3, channels, norm="group")[1].num_groups for channels in (96, 24, 7)}
    assert groups == {96: 32, 24: 8, 7: 1}


def test_a_head_of_no_depth_is_its_last_convolution():
    head = ConvHead(8, 3, width=16, depth=0)
    assert [name for name, _ in head.named_parameters()] == ["last.weight", "last.bias"]


def test_a_head_begins_unsure_and_answers_in_float32_under_autocast():
    torch.manual_seed(0)
    head = ConvHead(8, 5, width=16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = head(torch.rand(2, 8, 6, 6))
    assert logits.dtype == torch.float32
    assert logits.softmax(dim=1).max() < 0.5  # of 5 categories


def test_added_coordinates_are_positions_over_the_unit_at_the_start():
    """Grid point (0, 1) is at row 1.5 and column 5.5; 8 pixels are 1."""
    head = EmbeddingHead(EmbeddingHeadConfig(dims=3, coordinates="added", added_px=8.0), 4, width=8)
    torch.nn.init.zeros_(head.head.last.weight)
    embedding = head(torch.rand(1, 4, 2, 2))[0, :, 0, 1]
    assert_close(embedding, torch.tensor([1.5 / 8, 5.5 / 8, 0.0]))


def test_coordinates_tell_equal_pixels_apart_and_do_not_depend_on_the_padding():
    torch.manual_seed(0)
    head = EmbeddingHead(EmbeddingHeadConfig(dims=3), 4, width=8, style=ConvStyle(separable=False)).eval()
    small, large = head(torch.zeros(1, 4, 6, 6)), head(torch.zeros(1, 4, 9, 12))
    assert not torch.allclose(small[..., 2, 2], small[..., 3, 3])
    assert_close(small[..., :5, :5], large[..., :5, :5])
    assert_close(
        position_grid(2, 1, stride=4, device=torch.device("cpu")),
        torch.tensor([[[1.5], [5.5]], [[1.5], [1.5]]]),
    )


def test_without_coordinates_equal_pixels_are_equal():
    head = EmbeddingHead(EmbeddingHeadConfig(dims=3, coordinates="none"), 4, width=8).eval()
    embeddings = head(torch.zeros(1, 4, 6, 6))
    assert_close(embeddings, embeddings[..., :1, :1].expand_as(embeddings))


@pytest.mark.parametrize(
    ("config", "wrong", "message"),
    [
        (DecoderConfig, {"width": 0}, "`decoder.width` must be at least 1, got 0"),
        (DecoderConfig, {"skip_channels": (1, 2)}, "`decoder.skip_channels` must be three numbers"),
        (DecoderConfig, {"dilations": (0,)}, "`decoder.dilations` must be at least 1"),
        (DecoderConfig, {"dropout": 1.0}, r"`decoder.dropout` must be in \[0, 1\), got 1.0"),
        (DecoderConfig, {"residuals": -1}, "`decoder.residuals` must be at least 0, got -1"),
        (DecoderConfig, {"kind": "mlp", "residuals": 2}, "`decoder.residuals` must be left to"),
        (EmbeddingHeadConfig, {"dims": 0}, "`embedding.dims` must be at least 1"),
        (EmbeddingHeadConfig, {"dims": 1, "coordinates": "added"}, "2 with added coordinates, got 1"),
        (EmbeddingHeadConfig, {"added_px": 0.0}, "`embedding.added_px` must be above 0, got 0.0"),
    ],
)
def test_settings_that_cannot_be_are_refused(config, wrong, message):
    with pytest.raises(InputError, match=message):
        config(**wrong)


@pytest.mark.parametrize("finest", [1, 2])
def test_the_unet_decoder_ends_at_the_finest_features(finest):
    network = Backbone(BackboneConfig(name="lcnet_050", finest_stride=finest)).eval()
    decoder = build_decoder(DecoderConfig(kind="unet", width=4), network).eval()
    result = decoder(network(torch.rand(1, 3, 37, 64)))
    assert result.shape == (1, 4, 64 // finest, 64 // finest)


def test_the_unet_decoder_shows_a_single_bright_pixel_of_the_image_where_it_is():
    """The image stands beside what comes from below: one pixel of it changes its surroundings."""
    torch.manual_seed(0)
    decoder = UnetDecoder(DecoderConfig(kind="unet", width=4, separable=False), (1, 2), (3, 4)).eval()
    image, coarse = torch.zeros(1, 3, 16, 16), torch.rand(1, 4, 8, 8)
    lit = image.clone()
    lit[:, :, 5, 9] = 1
    with torch.no_grad():
        changed = (decoder([lit, coarse]) != decoder([image, coarse])).any(dim=1)[0].nonzero()
    assert changed.min(dim=0).values.tolist() >= [4, 8]
    assert changed.max(dim=0).values.tolist() <= [6, 10]


def test_residuals_of_the_unet_decoder_change_nothing_until_they_are_trained():
    torch.manual_seed(0)
    strides, channels = (1, 2, 4), (3, 4, 6)
    plain = UnetDecoder(DecoderConfig(kind="unet", width=4, separable=False), strides, channels)
    rich = UnetDecoder(DecoderConfig(kind="unet", width=4, separable=False, residuals=2), strides, channels)
    missing, unexpected = rich.load_state_dict(plain.state_dict(), strict=False)
    assert {name.split(".")[0] for name in missing} == {"residuals"}
    assert not unexpected
    features = [torch.rand(2, c, n, n) for c, n in zip(channels, (16, 8, 4), strict=True)]
    assert torch.equal(plain.eval()(features), rich.eval()(features))
    # one step along the gradient, and they no longer do nothing
    rich.train()(features).square().mean().backward()
    assert len(rich.residuals) == 2
    last_norms = [rich.residuals.get_parameter(f"{level}.1.body.1.weight") for level in (0, 1)]
    with torch.no_grad():
        for weight in last_norms:
            assert weight.grad is not None
            assert weight.grad.abs().max() > 0
            weight -= 0.1 * weight.grad
    assert not torch.allclose(plain.eval()(features), rich.eval()(features), atol=1e-7)
