"""The affinity head: where a pair lies, what it sees, what gets a gradient."""

from dataclasses import dataclass

import pytest
import torch
from torch.testing import assert_close

from intarsia.errors import InputError
from intarsia.methods import CombinatorialConfig
from intarsia.nets import AFFINITY_HEADS, AffinityHead, AffinityHeadConfig
from intarsia.nets.affinity_head import _difference, _halves, _shift
from intarsia.nets.blocks import ConvStyle

OFFSETS = ((1, 0), (0, 1), (4, 0), (0, 5), (3, -3), (9, 0), (0, 40))


@dataclass(frozen=True)
class AnyOffsets(AffinityHeadConfig):
    pairs: tuple[tuple[int, int], ...] = OFFSETS

    @property
    def offsets(self):
        return self.pairs


def test_distances_and_diagonals_become_offsets_in_the_order_of_the_channels():
    assert AffinityHeadConfig(distances=(1, 4)).offsets == ((1, 0), (0, 1), (4, 0), (0, 4))
    both = AffinityHeadConfig(distances=(2,), diagonals=True).offsets
    assert both == ((2, 0), (0, 2), (2, 2), (2, -2))


@pytest.mark.parametrize("offset", [(4, 0), (5, 0), (0, 7), (3, -3), (-2, 5), (0, 60)])
def test_a_pair_is_computed_at_its_middle_and_stored_at_its_first_point(offset):
    """Moving the differences from the middles back gives x(second) - x(first), point by point."""
    x = torch.randn(1, 2, 12, 14, generator=torch.Generator().manual_seed(0))
    stored = _shift(_difference(x, offset), *_halves(offset)[0])
    rows, columns = offset
    for r in range(12):
        for c in range(14):
            if 0 <= r + rows < 12 and 0 <= c + columns < 14:
                wanted = x[0, :, r + rows, c + columns] - x[0, :, r, c]
                assert_close(stored[0, :, r, c], wanted)


@pytest.mark.parametrize("size", [(1, 1), (3, 50), (20, 7)])
def test_any_offsets_on_maps_of_any_size(size):
    head = AffinityHead(AnyOffsets(width=8, classifier_width=4), 6, 3, style=ConvStyle(norm="group"))
    got = head(torch.randn(2, 6, *size), torch.randn(2, 3, *size))
    assert got.shape == (2, len(OFFSETS), *size)
    assert got.isfinite().all()


def test_a_long_pair_depends_on_its_two_ends_and_not_on_what_is_between():
    """The classifier's two 3x3 convolutions and the features' 5x5 see 4 points around either end."""
    torch.manual_seed(0)
    head = AffinityHead(
        AnyOffsets(((0, 30),), width=8, classifier_width=8), 6, 3
    ).eval()  # a norm sees nothing
    x = torch.randn(1, 6, 9, 50, requires_grad=True)
    head(x, torch.randn(1, 3, 9, 50))[0, 0, :, 10].sum().backward()
    assert x.grad is not None
    seen = x.grad.abs().sum((0, 1, 2)).nonzero().flatten().tolist()
    assert seen
    assert all(abs(column - 10) <= 4 or abs(column - 40) <= 4 for column in seen)
    assert any(abs(column - 10) <= 4 for column in seen)
    assert any(abs(column - 40) <= 4 for column in seen)


def test_semantic_logits_get_no_gradient():
    head = AffinityHead(AnyOffsets(width=8, classifier_width=4), 6, 3)
    x, logits = torch.randn(2, 6, 8, 8, requires_grad=True), torch.randn(2, 3, 8, 8, requires_grad=True)
    head(x, logits).square().sum().backward()
    assert x.grad is not None
    assert x.grad.any()
    assert logits.grad is None


def test_logits_are_float32_under_autocast():
    head = AffinityHead(AnyOffsets(width=8, classifier_width=4), 6, 3)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert head(torch.randn(2, 6, 8, 8), torch.randn(2, 3, 8, 8)).dtype == torch.float32


def test_wrong_settings_are_refused():
    with pytest.raises(InputError, match=r"`affinity.distances` must be different numbers, each at least 1"):
        AffinityHeadConfig(distances=(4, 4))
    with pytest.raises(InputError, match="`affinity.width` must be at least 1, got 0"):
        AffinityHeadConfig(width=0)


def test_each_distance_may_have_a_width_of_its_own():
    """The paper's: 256 to 64, 32 and 2 channels for neighbours, 512 to 128, 64 and 2 for longer pairs."""
    config = AffinityHeadConfig(distances=(1, 4), width=256, classifier_widths=(32, 64))
    head = AffinityHead(config, 256, 19, style=ConvStyle(separable=False))
    near, far = head.classifiers
    shapes = [
        [tuple(m.weight.shape[:2]) for m in part.modules() if isinstance(m, torch.nn.Conv2d)]
        for part in (near, far)
    ]
    assert shapes == [[(64, 256), (32, 64), (2, 32)], [(128, 256), (64, 64), (2, 64)]]  # 2 groups in far
    assert head(torch.zeros(1, 256, 9, 9), torch.zeros(1, 19, 9, 9)).shape == (1, 4, 9, 9)


def test_a_width_for_some_of_the_distances_is_refused():
    with pytest.raises(InputError, match="`affinity.classifier_widths` must be 2 numbers, each at least 1"):
        AffinityHeadConfig(distances=(1, 4), classifier_widths=(32,))


@pytest.mark.parametrize("kind", AFFINITY_HEADS)
def test_every_kind_has_a_logit_for_each_offset_and_names_its_last_layers(kind):
    config = AffinityHeadConfig(kind=kind, distances=(1, 3), diagonals=True, width=8, classifier_width=4)
    head = AFFINITY_HEADS[kind](config, 6, 3, style=ConvStyle(separable=False, norm="group"))
    logits = torch.randn(2, 3, 5, 7, requires_grad=True)
    head(torch.randn(2, 6, 5, 7), logits).square().sum().backward()
    assert head(torch.randn(2, 6, 5, 7), logits).shape == (2, 8, 5, 7)
    assert logits.grad is None
    assert all(p.grad is not None and p.grad.any() for layer in head.layers.last for p in layer.parameters())


def test_an_unknown_kind_is_refused():
    with pytest.raises(InputError, match="`affinity.kind` must be 'differences' or 'maps', got 'map'.*maps"):
        CombinatorialConfig(affinity=AffinityHeadConfig(kind="map"))
