"""Looking inside: what one pixel of a photo is to every other, as the method sees them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import tyro
from jaxtyping import Bool, Float32, UInt8
from PIL import Image

from intarsia import draw
from intarsia._check import fail
from intarsia._files import whole
from intarsia._id_map import nearest_index
from intarsia.decoding.image_view import ImageView
from intarsia.decoding.insight import Inside, look_inside, view_of_pixel
from intarsia.decoding.pixel_field import PixelField
from intarsia.panoptic import Categories, PanopticMap
from intarsia.pictures.image_like import Pixels, in_unit_range
from intarsia.runtime.diameter import Diameter
from intarsia.runtime.loading import Backend, Device, load
from intarsia.runtime.model import Model

__all__ = ["Explanation", "explain"]


@dataclass(frozen=True, eq=False)
class Explanation:
    """What a model says of one pixel of a photo: its segment, and which others are like it.

    Attributes:
        pixel: Row and column.
        map: What the method found in the photo.
        kind: "distance" in embedding space, or "affinity": how much the pixel hears from another, or how
            often a random walk is there that starts at the pixel and follows the affinities.
        values: The distances, or the affinities as shares of their sum, of every pixel.
        margin: Distance within which the pixel looks for its instance; None for affinities.
        same_segment: Median distance to the pixels of its segment, or their share of the affinities; None if
            it is void.
        same_category: The same for other segments of its category, None if there is none.
        other: The same for other categories, None if there is none.
        pairs: Of a model that cuts: the partners of the pixel, as rows and columns from it in pixels, and the
            cost of each pair, positive where it attracts; else empty.
        category_costs: Of such a model: what each category costs at the pixel, and last what void does, where
            that is an answer, too; else empty.
        picture: Photo, segments, what is of the pixel's category and what of its segment, and where that
            comes from.
    """

    pixel: tuple[int, int]
    map: PanopticMap
    kind: Literal["distance", "affinity"]
    values: Float32[np.ndarray, "h w"]
    margin: float | None
    same_segment: float | None
    same_category: float | None
    other: float | None
    pairs: tuple[tuple[int, int, float], ...]
    category_costs: tuple[float, ...]
    picture: UInt8[np.ndarray, "ph pw 3"]


def explain(
    image: Annotated[str, tyro.conf.Positional],
    *,
    pixel: str | tuple[int, int],
    model: str = "facades-embedding",
    out: str = "explain.png",
    channel: tuple[int, ...] = (),
    page: int | None = None,
    size: str | None = None,
    diameter: Diameter | None = None,
    scales: tuple[int, ...] = (),
    backend: Backend | None = None,
    device: Device = "auto",
    method: str = "",
) -> Explanation:
    """Draw what each pixel of a photo is to one of them: its distance in embedding space, or its affinity.

    Pixels of the same segment should be nearest, then other segments of its category, then other categories.
    Distances are drawn up to four margins: beyond, they mostly say how far away in the picture a pixel is. A
    model that cuts has affinities instead: where a random walk along them comes to, and the pairs of the
    pixel with their costs. So has one of unified training: how much of its correction the pixel hears from
    where.
    The three main directions of the embedding, or of the affinities, are red, green and blue.

    Source: Kerola et al. 2021, figure 1; Li, Qi and Torr 2020, figure 6.

    Args:
        image: An image file.
        pixel: The pixel to look from, as ROW,COLUMN.
        model: The name of a model that ships with intarsia, or a folder written by training.
        out: The picture to write.
        channel: Which channels of a file to see, as `predict` takes them; by default those of training.
        page: Which page of a stack to see; by default that of training.
        size: In what size the network sees the image, as `predict` takes it.
        diameter: How large the things are, in pixels, or "auto", as `predict` takes it.
        scales: At how many times its size the image is seen, as `predict` takes it.
        backend: What runs the network, as `predict` takes it.
        device: Where the network runs; "auto" takes a GPU if torch finds one.
        method: Where the model is of a method that does not ship, its class as `file.py:Class`. That code is
            imported, so it must be yours or of someone you trust; needs torch.

    Returns:
        The distances or affinities, what was found, and the picture.

    Raises:
        ValueError: The image or model cannot be read, the pixel is outside, or the method has neither.
    """
    if diameter is not None and size is not None:
        fail("size", "left out where `diameter` says at what scale images are seen", repr(size))
    # the photo as the model takes it
    predictor = load(model, backend=backend, device=device, method=method)
    predictor.intake = predictor.intake.with_options(channel, size, page, scales=scales)
    photo = predictor.picture(image)
    height, width = photo.shape[:2]
    at = _pixel_of(pixel, height, width)
    # the network may see the photo in another size; maps, values and pairs are in pixels of the photo
    view = predictor.view(photo, diameter=diameter)
    panoptic_map = predictor.decode(view).resized(height, width)
    seen_pixel = at[0] * view.size[0] // height, at[1] * view.size[1] // width
    field = predictor.decoder.pixel_field(view, seen_pixel)
    # distances as they are, shares of the whole picture
    values = _enlarge(field.values, view, (height, width))
    values = values if field.kind == "distance" else values / values.sum()
    summary = _median if field.kind == "distance" else _share
    regions = _regions(panoptic_map, at, predictor.categories)
    same_segment, same_category, other = (summary(values, region) for region in regions)
    # the sheet of pictures beside the numbers
    inside = look_inside(view, predictor.decoder, panoptic_map, categories=predictor.categories)
    down_px, across_px = inside.step_px
    pairs = [(round(down * down_px), round(across * across_px), cost) for down, across, cost in field.pairs]
    sheet = _sheet(photo, panoptic_map, field, view, inside, pairs=pairs, model=predictor, pixel=at)
    # all of it as one value
    explanation = Explanation(
        pixel=at,
        map=panoptic_map,
        kind=field.kind,
        values=values,
        margin=field.margin,
        same_segment=same_segment,
        same_category=same_category,
        other=other,
        pairs=tuple(pairs),
        category_costs=field.category_costs,
        picture=sheet,
    )
    # kept, shown and told
    _write(explanation.picture, Path(out))
    print(_describe(explanation, predictor, out))
    return explanation


def _sheet(
    photo: Pixels,
    panoptic_map: PanopticMap,
    field: PixelField,
    view: ImageView,
    inside: Inside,
    *,
    pairs: Sequence[tuple[int, int, float]],
    model: Model,
    pixel: tuple[int, int],
) -> UInt8[np.ndarray, "ph pw 3"]:
    pixels = (in_unit_range(photo) * 255).round().astype(np.uint8)
    pixel_view = view_of_pixel(inside, panoptic_map, model.categories, pixel=pixel)
    assert pixel_view.heat is not None  # what has a field has heat
    feature_name = "embedding" if field.kind == "distance" else "affinities"
    grids = {
        "same category": draw.heat_map(pixel_view.alike),
        f"same segment: {_HEAT_NAMES[pixel_view.kind]}": draw.heat_map(pixel_view.heat),
        f"{feature_name}, three directions": draw.embedding_rgb(field.features),
    }
    pictures = {
        f"pixel {pixel[0]},{pixel[1]}": draw.mark_pixel(pixels, pixel),
        "segments": draw.overlay(pixels, panoptic_map, model.categories),
        **{name: _enlarge(grid, view, panoptic_map.size) for name, grid in grids.items()},
    }
    if pairs:
        around = Image.fromarray(draw.pairs_map(pixels, pixel, pairs))
        side = min(max(min(panoptic_map.size), 64), around.width)
        pictures["pairs: green joins, red cuts"] = np.array(around.resize((side, side)))
    return draw.contact_sheet(list(pictures.values()), list(pictures), columns=3)


_HEAT_NAMES = {
    "distance": "up to 4 margins away",
    "affinity": "where affinities lead",
    "heard": "where it listens",
}


def _pixel_of(pixel: str | tuple[int, int], height: int, width: int) -> tuple[int, int]:
    parts = pixel.split(",") if isinstance(pixel, str) else pixel
    try:
        row, column = (int(part) for part in parts)
    except ValueError:
        fail("pixel", "ROW,COLUMN", repr(pixel))
    if not (0 <= row < height and 0 <= column < width):
        fail("pixel", f"inside the image of {height}x{width}", f"{row},{column}")
    return row, column


def _enlarge(grid: np.ndarray, view: ImageView, size: tuple[int, int]) -> np.ndarray:
    """For each pixel of the photo the value of the point that it belongs to."""
    rows, columns = (
        nearest_index(side, seen_side) // view.stride for side, seen_side in zip(size, view.size, strict=True)
    )
    return grid[rows][:, columns]


def _regions(
    panoptic_map: PanopticMap, pixel: tuple[int, int], categories: Categories
) -> tuple[Bool[np.ndarray, "h w"], Bool[np.ndarray, "h w"], Bool[np.ndarray, "h w"]]:
    """The pixel's segment, the others of its category, and all else but void; void has no segment."""
    is_segment = panoptic_map.ids[pixel] > 0
    segment = (panoptic_map.ids == panoptic_map.ids[pixel]) & is_segment
    semantic = panoptic_map.semantic(categories)
    kin = (semantic == semantic[pixel]) & is_segment
    return segment, kin & ~segment, ~kin & (panoptic_map.ids > 0)


def _median(distances: np.ndarray, where: np.ndarray) -> float | None:
    return float(np.median(distances[where])) if where.any() else None


def _share(affinities: np.ndarray, where: np.ndarray) -> float | None:
    return float(affinities[where].sum()) if where.any() else None


def _write(picture: np.ndarray, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole(path) as partial:
            Image.fromarray(picture).save(partial, format="PNG")
    except OSError as error:
        fail("out", "a picture that can be written", f"{path} ({error.strerror})")


def _describe(explanation: Explanation, model: Model, out: str) -> str:
    # what the pixel is
    row, column = explanation.pixel
    ids = {segment.id: segment for segment in explanation.map.segments}
    segment = ids.get(int(explanation.map.ids[row, column]))
    index = None if segment is None else model.categories.index_of(segment.category_id)
    name = "void" if index is None else model.categories[index].name
    rows = [
        ("its segment", explanation.same_segment),
        (f"other {name} segments", explanation.same_category),
        ("other categories", explanation.other),
    ]
    # how it stands to the rest, in the words of the kind of model
    head = f"Pixel {row},{column} is {name}"
    if explanation.kind == "distance":
        head += f"; its margin is {explanation.margin:.2f}. Median distance to"
        lines = [f"  {text:<28} {value:.2f}" for text, value in rows if value is not None]
    else:
        walk = ". Of a walk along its affinities there is spent in"
        head += walk if explanation.pairs else ". Of what it hears, there comes from"
        lines = [f"  {text:<28} {value:6.1%}" for text, value in rows if value is not None]
    if explanation.pairs:
        lines += _describe_costs(explanation, model)
    return "\n".join([head, *lines, f"Picture in {out}"])


def _describe_costs(explanation: Explanation, model: Model) -> list[str]:
    """The pairs that attract and repel most, and the likeliest categories."""
    pairs = sorted(explanation.pairs, key=lambda pair: pair[2])
    attracting = sum(cost > 0 for _, _, cost in pairs)
    ends = [f"{cost:+.2f} at {down:+d},{right:+d}" for down, right, cost in (pairs[0], pairs[-1])]
    names = (*model.categories.names, "void")[: len(explanation.category_costs)]
    costs = sorted(zip(explanation.category_costs, names, strict=True))[:3]
    return [
        f"Of its {len(pairs)} pairs {attracting} attract; costs from {ends[0]} to {ends[1]} (rows, columns).",
        "Categories cost " + ", ".join(f"{name} {cost:.2f}" for cost, name in costs) + " (less is likelier).",
    ]
