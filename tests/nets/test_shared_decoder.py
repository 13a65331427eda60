"""The pyramid's context and the decoder with shared weights: shapes, options, what is shared."""

from __future__ import annotations

import pytest
import torch
from torch.testing import assert_close

from intarsia.errors import InputError
from intarsia.nets import FpnPyramid, SharedDecoder, SharedDecoderConfig
from intarsia.nets.top_context import SqueezeExcitation

STRIDES = (4, 8, 16)


def decoder_of(**settings):
    return SharedDecoder(SharedDecoderConfig(**settings), STRIDES, 8)


def levels(channels=8, side=8):
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(2, channels, side // n, side // n, generator=generator) for n in (1, 2, 4)]


@pytest.mark.parametrize("deformable", [True, False])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_it_ends_at_the_finest_level_with_the_levels_side_by_side(deformable, depth):
    decoder = decoder_of(width=4, depth=depth, deformable=deformable)
    result = decoder(levels())
    assert result.shape == (2, 12, 8, 8)
    result.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in decoder.parameters())


def test_the_widths_are_those_of_upsnet():
    """Two blocks: 256 to 128 to 128; three: 256 to 256 to 128 to 128."""
    shapes = {
        depth: [
            tuple(w.shape[:2])
            for name, w in SharedDecoder(SharedDecoderConfig(depth=depth), (4,), 256).named_parameters()
            if "conv" in name
        ]
        for depth in (1, 2, 3)
    }
    assert shapes[1] == [(128, 256)]
    assert shapes[2] == [(128, 256), (128, 128)]
    assert shapes[3] == [(256, 256), (128, 256), (128, 128)]


def test_deformation_starts_from_none():
    torch.manual_seed(0)
    deformable = decoder_of(width=4)
    plain = decoder_of(width=4, deformable=False)
    missing = plain.load_state_dict(deformable.state_dict(), strict=False)
    assert all(".offset." in name for name in missing.unexpected_keys)
    assert_close(deformable(levels()), plain(levels()), rtol=1e-4, atol=1e-4)


def test_all_levels_go_through_the_same_weights():
    decoder = SharedDecoder(SharedDecoderConfig(width=4, deformable=False), (4, 4, 4), 8)
    same = levels()[0]
    first, second, third = decoder([same] * 3).chunk(3, dim=1)
    assert_close(first, second)
    assert_close(first, third)


@pytest.mark.parametrize("top_context", ["none", "squeeze", "average"])
def test_a_pyramid_s_coarsest_level_may_know_the_whole_image(top_context):
    """Without context, a far corner does not reach the other corner of the coarsest level."""
    torch.manual_seed(0)
    pyramid = FpnPyramid((4, 8), width=6, top_context=top_context)
    fine, coarse = torch.zeros(1, 4, 16, 16), torch.randn(1, 8, 8, 8)
    changed = coarse.clone()
    changed[..., 7, 7] += 9
    here, there = (pyramid([fine, x])[1][..., 0, 0] for x in (coarse, changed))
    assert torch.allclose(here, there) == (top_context == "none")
    there.sum().backward()
    assert all(p.grad is not None for name, p in pyramid.named_parameters() if "s.0." not in name)


def test_squeeze_and_excitation_scales_by_the_mean():
    """With zero weights the sigmoid is 1/2 everywhere."""
    block = SqueezeExcitation(8)
    torch.nn.init.zeros_(block.excite.weight)
    torch.nn.init.zeros_(block.excite.bias)
    x = torch.randn(1, 8, 3, 3, generator=torch.Generator().manual_seed(1))
    assert_close(block(x), x / 2)


def test_settings_that_cannot_be_are_refused():
    with pytest.raises(InputError, match="`shared_decoder.depth` must be at least 1, got 0"):
        SharedDecoderConfig(depth=0)
