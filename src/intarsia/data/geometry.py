"""Geometric transforms of image and map together: the map moves by whole pixels only, so ids stay ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Int32
from torch import Tensor
from torchvision import tv_tensors
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional

import intarsia._native as _native
from intarsia.panoptic import VOID_ID, Segment

IMAGENET_MEAN = (124, 116, 104)
"""The colour around images that are smaller than their crop."""

_LATTICE_PX = 32
"""Between the points of the lattice that bends a picture: some two nuclei, a window."""

MOST_ELASTIC_PX = _LATTICE_PX / 4
"""Neighbours then move apart by half their distance at most, down and across, so that nothing folds."""


class ShortSide(v2.Transform):
    """Resize the shorter side to a length drawn from a list; the longer one never exceeds `max_side`."""

    def __init__(self, lengths_px: Sequence[int], *, max_side: int) -> None:
        super().__init__()
        self.lengths_px = tuple(lengths_px)
        self.max_side = max_side

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """Draw the size."""
        height, width = _size(flat_inputs)
        length = self.lengths_px[int(torch.randint(len(self.lengths_px), ()))]
        return {
            "size": _scaled_size(
                height, width, min(length / min(height, width), self.max_side / max(height, width))
            )
        }

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """Resize one of image and mask."""
        return _resize(inpt, *params["size"])


class Scale(v2.Transform):
    """Resize by a factor drawn evenly on a log scale."""

    def __init__(self, smallest: float, largest: float) -> None:
        super().__init__()
        self.log_range = torch.tensor([smallest, largest], dtype=torch.float64).log()

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """Draw the factor."""
        low, high = self.log_range.tolist()
        factor = torch.tensor(low + (high - low) * float(torch.rand(())), dtype=torch.float64).exp()
        return {"size": _scaled_size(*_size(flat_inputs), float(factor))}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """Resize one of image and mask."""
        return _resize(inpt, *params["size"])


class Crop(v2.Transform):
    """Cut a window out, which may be larger than the image: around it the image is gray and the map void."""

    _transformed_types = (tv_tensors.Image, tv_tensors.Mask, Segment)  # segments, to know what is rare

    def __init__(
        self,
        size: Sequence[int],
        *,
        rare_focus: float = 0.0,
        rare_power: float = 0.0,
        max_segment_share: float = 1.0,
        fill: Sequence[int] = IMAGENET_MEAN,
    ) -> None:
        """Say how windows are drawn.

        Args:
            size: Height and width in pixels.
            rare_focus: Probability that the window is around a segment of a category drawn from those shown;
                0 draws every window evenly.
            rare_power: The chance of a category falls with its area to this power; 0 draws evenly.
            max_segment_share: Windows that show more than this of one segment, or void, are drawn again, ten
                times; 1 takes the first.
            fill: Red, green and blue around the image; ImageNet's mean, which the network sees as 0.
        """
        super().__init__()
        self.size = (size[0], size[1])
        self.rare_focus = rare_focus
        self.rare_power = rare_power
        self.max_segment_share = max_segment_share
        self.fill = tuple(fill)

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """Draw the window: its top left corner in the image, negative where the image is smaller."""
        ids = next(part for part in flat_inputs if isinstance(part, tv_tensors.Mask))
        segments = [part for part in flat_inputs if isinstance(part, Segment)]
        corner = self._draw(ids, segments)
        for _ in range(10 if self.max_segment_share < 1 else 0):
            if _largest_share(_window(ids, corner, self.size, VOID_ID)) <= self.max_segment_share:
                break
            corner = self._draw(ids, segments)
        return {"corner": corner}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """Cut the window out of one of image and mask; segments stay."""
        if isinstance(inpt, Segment):
            return inpt
        fill = VOID_ID if isinstance(inpt, tv_tensors.Mask) else torch.tensor(self.fill, dtype=inpt.dtype)
        return _window(inpt, params["corner"], self.size, fill).as_subclass(type(inpt))

    def _draw(self, ids: Tensor, segments: Sequence[Segment]) -> tuple[int, int]:
        if segments and float(torch.rand(())) < self.rare_focus:
            return self._around_a_rare_one(ids, segments)
        slack = [side - window for side, window in zip(ids.shape, self.size, strict=True)]
        row, column = (_between(min(0, free), max(0, free)) for free in slack)
        return row, column

    def _category(self, ids: Tensor, of_category: Sequence[Sequence[int]]) -> Sequence[int]:
        """The segments of one category, drawn evenly or more often where they cover little."""
        if not self.rare_power:
            return _one_of(of_category)
        areas = dict(_native.count_ids(ids.as_subclass(Tensor).contiguous().numpy()).tolist())
        covered = torch.tensor([sum(areas.get(id, 0) for id in segment_ids) for segment_ids in of_category])
        covered = covered.clamp(min=1).double()
        # against the smallest, whose chance is then 1 whatever the power
        chances = (covered / covered.min()) ** -self.rare_power
        return of_category[int(torch.multinomial(chances, 1))]

    def _around_a_rare_one(self, ids: Tensor, segments: Sequence[Segment]) -> tuple[int, int]:
        """The corner of a window around a pixel of a segment, drawn evenly from those of a category."""
        of_category = {segment.category_id: [] for segment in segments}
        for segment in segments:
            of_category[segment.category_id].append(segment.id)
        drawn = _one_of(self._category(ids, list(of_category.values())))
        pixels = (ids == drawn).nonzero()
        if not len(pixels):  # an earlier crop removed it
            return 0, 0
        center = pixels[int(torch.randint(len(pixels), ()))].tolist()
        corner = []
        for middle, side, window in zip(center, ids.shape, self.size, strict=True):
            free = side - window
            corner.append(min(max(middle - window // 2, min(0, free)), max(0, free)))
        return corner[0], corner[1]


class QuarterTurns(v2.Transform):
    """Turn by 0, 90, 180 or 270 degrees and mirror or not: the eight symmetries of a square, evenly."""

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """Draw the turn."""
        return {"turns": int(torch.randint(4, ())), "mirrored": bool(torch.randint(2, ()))}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """Turn one of image and mask."""
        turned = torch.rot90(inpt.as_subclass(Tensor), params["turns"], (-2, -1))
        return (turned.flip(-2) if params["mirrored"] else turned).as_subclass(type(inpt))


class Elastic(v2.Transform):
    """Bend the picture smoothly: the points of a lattice move, and a spline carries the pixels along.

    Beyond its edges the picture is mirrored, in image and map alike. Each pixel of the new map is one of the
    old one, so ids of any size stay exact; `torchvision.transforms.v2.ElasticTransform` makes floats of
    them.

    Source: Ronneberger, Fischer and Brox 2015 (U-Net), section 3.1. Cubic B-splines in the place of bicubic
    interpolation are ours, and moves that are drawn evenly: neither folds the picture.
    """

    def __init__(self, most_px: float) -> None:
        """Say how far.

        Args:
            most_px: Farthest that a point of the lattice moves down and to the right, to both sides, in
                pixels; at most `MOST_ELASTIC_PX`.
        """
        super().__init__()
        self.most_px = most_px

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """Draw where each new pixel comes from: row and column in pixels, 2 h w."""
        down, across = (_spline(side) for side in _size(flat_inputs))
        moves = (2 * torch.rand(2, down.shape[1], across.shape[1]) - 1) * self.most_px
        return {"places": torch.stack(_centers(_size(flat_inputs))) + down @ moves @ across.T}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """Bend one of image and mask: images between pixels, masks by the pixel that each place lies in."""
        places, plain = params["places"], inpt.as_subclass(Tensor)
        size = plain.shape[-2:]
        if isinstance(inpt, tv_tensors.Mask):
            rows, columns = (_pixel_numbers(place, side) for place, side in zip(places, size, strict=True))
            return plain[rows, columns].as_subclass(type(inpt))
        # torch counts from -1 at one edge to 1 at the other, columns first
        rows, columns = (2 * place / side - 1 for place, side in zip(places, size, strict=True))
        bent = torch.nn.functional.grid_sample(
            plain[None].float(),
            torch.stack([columns, rows], dim=-1)[None],
            padding_mode="reflection",
            align_corners=False,
        )[0]
        return (bent + 0.5).clamp_(0, 255).to(plain.dtype).as_subclass(type(inpt))


def _centers(size: tuple[int, int]) -> tuple[Tensor, ...]:
    return torch.meshgrid(*(torch.arange(side) + 0.5 for side in size), indexing="ij")


def _spline(side: int) -> Tensor:
    """How much each pixel of a side follows each point of the lattice: cubic B-splines, rows sum to 1."""
    places = (torch.arange(side) + 0.5) / _LATTICE_PX
    first, rest = places.long(), places.frac()
    weights = torch.stack(
        [(1 - rest) ** 3, 3 * rest**3 - 6 * rest**2 + 4, -3 * rest**3 + 3 * rest**2 + 3 * rest + 1, rest**3]
    )
    spline = torch.zeros(side, int(first[-1]) + 4)
    return spline.scatter_(1, first[:, None] + torch.arange(4), weights.T / 6)


def _pixel_numbers(places_px: Tensor, side: int) -> Tensor:
    """The number of the pixel that each place lies in; places beyond an edge are mirrored by it."""
    # a picture and its mirror image repeat, as often as a place is beyond
    return (side - (places_px.remainder(2 * side) - side).abs()).long().clamp_(max=side - 1)


def _size(flat_inputs: list[Any]) -> tuple[int, int]:
    mask = next(part for part in flat_inputs if isinstance(part, tv_tensors.Mask))
    return mask.shape[-2], mask.shape[-1]


def _scaled_size(height: int, width: int, factor: float) -> tuple[int, int]:
    return max(1, round(height * factor)), max(1, round(width * factor))


def _resize(part: Any, height: int, width: int) -> Any:
    """Images antialiased, masks by the pixel under each new pixel's centre, exact for ids of any size."""
    if not isinstance(part, tv_tensors.Mask):
        return functional.resize(part, [height, width], antialias=True)
    rows, columns = (
        ((torch.arange(size) + 0.5) * (old / size)).long().clamp(max=old - 1)
        for size, old in zip((height, width), part.shape, strict=True)
    )
    return part.as_subclass(Tensor)[rows[:, None], columns].as_subclass(type(part))


def _window(part: Tensor, corner: tuple[int, int], size: tuple[int, int], fill: Tensor | int) -> Tensor:
    """A window of a (... h w) tensor that may reach beyond it."""
    (top, left), (height, width) = corner, size
    plain = part.as_subclass(Tensor)
    inside = plain[..., max(0, top) : max(0, top + height), max(0, left) : max(0, left + width)]
    if inside.shape[-2:] == (height, width):
        return inside
    out = plain.new_empty((*part.shape[:-2], height, width))
    out[:] = fill if isinstance(fill, int) else fill[:, None, None]
    first_row, first_column = max(0, -top), max(0, -left)
    out[..., first_row : first_row + inside.shape[-2], first_column : first_column + inside.shape[-1]] = (
        inside
    )
    return out


def _largest_share(ids: Int32[Tensor, "h w"]) -> float:
    return float(ids.unique(return_counts=True)[1].max()) / ids.numel()


def _between(low: int, high: int) -> int:
    return int(torch.randint(low, high + 1, ()))


def _one_of(options: Sequence[Any]) -> Any:
    return options[int(torch.randint(len(options), ()))]
