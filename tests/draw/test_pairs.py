"""The pairs of a pixel: where lines end, and in which colour."""

from __future__ import annotations

import numpy as np
import pytest

from intarsia.draw.pairs import ATTRACTS, PAPER, REPELS, pairs_map
from intarsia.errors import InputError

BLACK = np.zeros((60, 80, 3), np.uint8)


def colors_between(picture: np.ndarray, end: tuple[int, int], reach: int) -> set[tuple[int, ...]]:
    """The colours on the way from the middle to a partner."""
    scale = picture.shape[0] / (2 * reach + 1)
    steps = np.linspace(0.2, 0.8, 20)[:, None] * np.array(end)
    rows, columns = ((reach + 0.5 + steps) * scale).astype(int).T
    return {tuple(color) for color in picture[rows, columns].tolist()}


def test_a_pair_that_attracts_is_green_and_one_that_repels_red():
    picture = pairs_map(BLACK, (30, 40), [(0, 8, 2.0), (8, 0, -2.0), (-8, 0, 0.1)])
    assert colors_between(picture, (0, 8), 9) == {ATTRACTS}
    assert colors_between(picture, (8, 0), 9) == {REPELS}
    assert colors_between(picture, (-8, 0), 9) == {ATTRACTS}
    assert colors_between(picture, (0, -8), 9) == {(0, 0, 0)}


def test_a_surer_pair_has_a_wider_line():
    def width(cost: float) -> int:
        picture = pairs_map(BLACK, (30, 40), [(0, 8, cost)])
        return int((picture == ATTRACTS).all(axis=2)[:, round(picture.shape[1] * 0.7)].sum())

    assert width(0.1) < width(2.0) < width(4.0) == width(40.0)


def test_beyond_the_picture_there_is_paper():
    picture = pairs_map(BLACK, (0, 0), [(2, 3, 1.0)])
    assert picture[0, 0].tolist() == list(PAPER)
    assert picture[-1, -1].tolist() == [0, 0, 0]


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(InputError, match="`pairs` must be at least one, got none"):
        pairs_map(BLACK, (0, 0), [])
    with pytest.raises(InputError, match="`picture` must be 8-bit RGB, .* got float64"):
        pairs_map(np.zeros((3, 3, 3)), (0, 0), [(0, 1, 1.0)])
