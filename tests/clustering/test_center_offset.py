"""Centre and offset grouping: pixels worked by hand, the dense form, ties and edges."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import max_pool2d
from torch.testing import assert_close

from intarsia.clustering import CenterGroups, center_offset_grouping


def dense_grouping(heat: Tensor, offsets: Tensor, things: Tensor, kernel: int, top_k: int | None) -> Tensor:
    """All pixels against all centres; h w instances."""
    pooled = max_pool2d(heat[None, None], kernel, stride=1, padding=kernel // 2)[0, 0]
    centers = ((heat > 0.1) & (heat == pooled)).nonzero()
    order = heat[centers[:, 0], centers[:, 1]].argsort(descending=True, stable=True)
    centers = centers[order[:top_k]].to(heat.dtype)
    if not len(centers):
        return torch.zeros_like(things, dtype=torch.int32)
    grid = torch.stack(torch.meshgrid(*(torch.arange(n) for n in heat.shape), indexing="ij"))
    places = (grid + offsets).flatten(1).T  # (h w) 2
    nearest = (places[:, None] - centers[None]).square().sum(-1).argmin(1) + 1
    return (nearest.reshape(heat.shape) * things).int()


def random_case(seed: int, height: int, width: int, reach: float) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    heat = torch.rand(height, width, generator=generator)
    offsets = torch.randn(2, height, width, generator=generator) * reach
    return heat, offsets, torch.rand(height, width, generator=generator) < 0.7


def test_two_centres_worked_by_hand():
    """The pixel in the middle points two to the right, to the second centre."""
    heat = torch.tensor([[0.9, 0.0, 0.0, 0.0, 0.8]])
    offsets = torch.zeros(2, 1, 5)
    offsets[1, 0, 1] = 2.6
    things = torch.tensor([[True, True, True, False, True]])
    groups = center_offset_grouping(heat, offsets, things, nms_kernel=3)
    assert groups.instances.tolist() == [[1, 2, 1, 0, 2]]
    assert groups.centers.tolist() == [[0, 0], [0, 4]]
    assert_close(groups.scores, torch.tensor([0.9, 0.8]))


@given(
    st.integers(0, 2**31),
    st.integers(1, 40),
    st.integers(1, 40),
    st.sampled_from([0.5, 5.0, 60.0]),
    st.sampled_from([1, 3, 7]),
    st.sampled_from([None, 0, 3]),
)
def test_it_equals_the_dense_form(
    seed: int, height: int, width: int, reach: float, kernel: int, top_k: int | None
):
    heat, offsets, things = random_case(seed, height, width, reach)
    got = center_offset_grouping(heat, offsets, things, nms_kernel=kernel, top_k=top_k)
    assert got.instances.tolist() == dense_grouping(heat, offsets, things, kernel, top_k).tolist()


def test_more_centres_than_the_paper_keeps():
    heat = torch.zeros(90, 90)
    heat[::3, ::3] = torch.rand(30, 30, generator=torch.Generator().manual_seed(0)) / 2 + 0.5
    groups = center_offset_grouping(heat, torch.zeros(2, 90, 90), heat > 0, nms_kernel=3)
    assert len(groups.centers) == 900
    assert (groups.instances[heat > 0].sort().values == torch.arange(1, 901)).all()
    assert (groups.scores.diff() <= 0).all()


def test_a_plateau_has_one_centre_the_first():
    heat = torch.full((3, 9), 0.7)
    groups = center_offset_grouping(heat, torch.zeros(2, 3, 9), heat > 0)
    assert groups.centers.tolist() == [[0, 0]]


def empty(groups: CenterGroups) -> bool:
    return len(groups.centers) == len(groups.scores) == 0 and bool((groups.instances == 0).all())


@pytest.mark.parametrize(("height", "width"), [(1, 1), (0, 4), (5, 2)])
def test_without_centres_there_is_no_instance(height: int, width: int):
    things = torch.ones(height, width, dtype=torch.bool)
    assert empty(center_offset_grouping(torch.zeros(height, width), torch.zeros(2, height, width), things))


def test_nan_heat_is_no_centre():
    things = torch.ones(2, 2, dtype=torch.bool)
    assert empty(center_offset_grouping(torch.full((2, 2), torch.nan), torch.zeros(2, 2, 2), things))


def test_an_infinite_offset_is_refused_where_it_counts():
    offsets = torch.full((2, 1, 2), torch.inf)
    assert empty(center_offset_grouping(torch.zeros(1, 2), offsets, torch.zeros(1, 2, dtype=torch.bool)))
    with pytest.raises(ValueError, match="`offsets` must be finite where `things`"):
        center_offset_grouping(torch.zeros(1, 2), offsets, torch.ones(1, 2, dtype=torch.bool))


def test_sizes_that_differ_are_refused():
    with pytest.raises(ValueError, match=r"`offsets` must be \(2, 1, 2\) to fit `heat`, got \(2, 2, 2\)"):
        center_offset_grouping(torch.zeros(1, 2), torch.zeros(2, 2, 2), torch.zeros(1, 2, dtype=torch.bool))
    with pytest.raises(ValueError, match=r"`things` must be \(1, 2\) to fit `heat`"):
        center_offset_grouping(torch.zeros(1, 2), torch.zeros(2, 1, 2), torch.zeros(2, 2, dtype=torch.bool))


def test_an_even_window_is_refused():
    with pytest.raises(ValueError, match="`nms_kernel` must be odd and positive, got 4"):
        center_offset_grouping(
            torch.zeros(1, 1), torch.zeros(2, 1, 1), torch.zeros(1, 1, dtype=torch.bool), nms_kernel=4
        )


def test_a_negative_number_of_centres_is_refused():
    with pytest.raises(ValueError, match="`top_k` must be 0 or more, got -1"):
        center_offset_grouping(
            torch.zeros(1, 1), torch.zeros(2, 1, 1), torch.zeros(1, 1, dtype=torch.bool), top_k=-1
        )
