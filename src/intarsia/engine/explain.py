"""Looking inside: how far every pixel of a photo is from one of them in the space that a method groups in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch
import tyro
from jaxtyping import Bool, Float32, UInt8
from PIL import Image

from intarsia import draw
from intarsia._check import fail
from intarsia.engine.predict import chosen_device
from intarsia.methods.images import as_image
from intarsia.methods.load import load
from intarsia.methods.method import AbstractMethod
from intarsia.methods.upsampling import grid_size
from intarsia.panoptic import PanopticMap

__all__ = ["Explanation", "explain"]


@dataclass(frozen=True, eq=False)
class Explanation:
    """What one pixel sees.

    Attributes:
        pixel: Row and column.
        map: What the method found in the photo.
        distances: Of every pixel to the one, in embedding space.
        margin: Distance within which the pixel looks for its instance.
        same_segment: Median distance to the pixels of its segment, None if it is void.
        same_category: Median distance to the other segments of its category, None if there is none.
        other: Median distance to the other categories, None if there is none.
        picture: Photo, segments, distances and embedding beside each other.
    """

    pixel: tuple[int, int]
    map: PanopticMap
    distances: Float32[np.ndarray, "h w"]
    margin: float
    same_segment: float | None
    same_category: float | None
    other: float | None
    picture: UInt8[np.ndarray, "ph pw 3"]


@torch.inference_mode()
def explain(
    image: Annotated[str, tyro.conf.Positional],
    *,
    pixel: str | tuple[int, int],
    model: str = "facades-embedding",
    out: str = "explain.png",
    device: Literal["auto", "cpu", "cuda"] = "auto",
) -> Explanation:
    """Draw how far each pixel of a photo is from one of them in embedding space, and the embedding itself.

    Pixels of the same segment should be nearest, then other segments of its category, then other categories.
    The embedding's three main directions are drawn as red, green and blue.

    Source: Kerola et al. 2021, figure 1.

    Args:
        image: An image file.
        pixel: The pixel to look from, as ROW,COLUMN.
        model: The name of a model that ships with intarsia, or a folder written by training.
        out: The picture to write.
        device: Where the network runs; "auto" takes a GPU if there is one.

    Returns:
        The distances, what was found, and the picture.

    Raises:
        ValueError: The image or model cannot be read, the pixel is outside, or the method has no embedding.
    """
    method = load(model)
    method.to(chosen_device(device)).eval()
    photo = as_image(image)
    height, width = photo.shape[1:]
    row, column = _parsed(pixel, height, width)
    output = method(photo[None].to(next(method.parameters()).device))
    field = method.embedding_field(output)
    embedding = field.embeddings[0].cpu().numpy()
    found = method.decode(output, [(height, width)])[0]
    at = row // method.stride, column // method.stride
    distances = _enlarged(draw.distances_from(embedding, at), method.stride, height, width)
    pixels = (photo * 255).round().byte().permute(1, 2, 0).numpy()
    sheet = draw.contact_sheet(
        [
            draw.marked(pixels, (row, column)),
            draw.overlay(pixels, found, method.categories),
            _enlarged(draw.distance_map(embedding, at), method.stride, height, width),
            _enlarged(draw.embedding_rgb(embedding), method.stride, height, width),
        ],
        [f"pixel {row},{column}", "segments", "distance in embedding space", "embedding"],
        columns=2,
    )
    here, kin = _same(found, (row, column), method)
    explanation = Explanation(
        pixel=(row, column),
        map=found,
        distances=distances,
        margin=float(field.margin[0, at[0], at[1]]),
        same_segment=_median(distances, here),
        same_category=_median(distances, kin & ~here),
        other=_median(distances, ~kin & (found.ids > 0)),
        picture=sheet,
    )
    _write(sheet, Path(out))
    print(_said(explanation, method, out))
    return explanation


def _parsed(pixel: str | tuple[int, int], height: int, width: int) -> tuple[int, int]:
    parts = pixel.split(",") if isinstance(pixel, str) else pixel
    try:
        row, column = (int(part) for part in parts)
    except ValueError:
        fail("pixel", "ROW,COLUMN", repr(pixel))
    if not (0 <= row < height and 0 <= column < width):
        fail("pixel", f"inside the image of {height}x{width}", f"{row},{column}")
    return row, column


def _enlarged(grid: np.ndarray, stride: int, height: int, width: int) -> np.ndarray:
    rows, columns = grid_size(height, width, stride=stride)
    return grid[:rows, :columns].repeat(stride, axis=0).repeat(stride, axis=1)[:height, :width]


def _same(
    found: PanopticMap, pixel: tuple[int, int], method: AbstractMethod
) -> tuple[Bool[np.ndarray, "h w"], Bool[np.ndarray, "h w"]]:
    """Where the pixel's segment is, and where its category is; nowhere if it is void."""
    here = found.ids == found.ids[pixel]
    semantic = found.semantic(method.categories)
    kin = semantic == semantic[pixel]
    known = found.ids[pixel] > 0
    return here & known, kin & known


def _median(distances: np.ndarray, where: np.ndarray) -> float | None:
    return float(np.median(distances[where])) if where.any() else None


def _write(picture: np.ndarray, path: Path) -> None:
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(partial, format="PNG")
        partial.replace(path)
    except OSError as error:
        fail("out", "a picture that can be written", f"{path} ({error.strerror})")


def _said(explanation: Explanation, method: AbstractMethod, out: str) -> str:
    row, column = explanation.pixel
    ids = {segment.id: segment for segment in explanation.map.segments}
    segment = ids.get(int(explanation.map.ids[row, column]))
    index = None if segment is None else method.categories.index_of(segment.category_id)
    name = "void" if index is None else method.categories[index].name
    rows = [
        ("its segment", explanation.same_segment),
        (f"other {name} segments", explanation.same_category),
        ("other categories", explanation.other),
    ]
    lines = [f"  {text:<28} {value:.2f}" for text, value in rows if value is not None]
    head = f"Pixel {row},{column} is {name}; its margin is {explanation.margin:.2f}. Median distance to"
    return "\n".join([head, *lines, f"Picture in {out}"])
