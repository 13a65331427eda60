"""Label images: one whole number a pixel, 0 for background; PNG or TIFF, of any depth."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import numpy as np
from jaxtyping import Int, Int64, Shaped
from PIL import Image, UnidentifiedImageError

from intarsia._check import fail
from intarsia.errors import InputError
from intarsia.formats.category_map import BACKGROUND, OBJECT
from intarsia.panoptic import Categories, PanopticMap, Segment
from intarsia.pictures.file_kinds import HEAD, no_picture
from intarsia.pictures.orientation import turn_upright
from intarsia.pictures.pillow_file import orientation_of
from intarsia.pictures.stored import read_stored
from intarsia.pictures.tiff import TiffStack, is_tiff, open_tiff

LOSSLESS_FORMATS = frozenset({"PNG", "BMP", "DIB", "GIF", "PPM", "TGA", "PCX", "SGI", "QOI"})
"""What Pillow reads and gives back as it was written; of the others each may change numbers."""
LABEL_MODES = frozenset({"1", "L", "P", "I", "I;16", "I;16B", "I;16L", "F"})
FIRST_TOO_LARGE = 1 << 31
BORDER_LABEL, BORDER_COLOR = 255, (224, 224, 192)
"""The rim of objects in VOC's palette."""


def read_labels(path: str | Path) -> list[Int64[np.ndarray, "h w"]]:
    """The pages of a label image, upright; of a stack or a time series each plane is a page.

    A picture of four 8-bit channels is one of 32 bits, R + 256 G + 65536 B + 2^24 A. Of a palette the numbers
    count, not the colours. TIFFs give the numbers that were written, also where 0 is shown white.

    Raises:
        ValueError: The file cannot be read, changes numbers (JPEG), or has other pixels than whole numbers.

    Example:
        >>> import tempfile; path = f"{tempfile.mkdtemp()}/a.png"
        >>> Image.fromarray(np.array([[0, 300]], np.uint16)).save(path)
        >>> [page.tolist() for page in read_labels(path)]
        [[[0, 300]]]
    """
    return [read_page(path, page) for page in range(num_pages(path))]


def num_pages(path: str | Path) -> int:
    """How many pages a label image has; 1 where only reading it will say what is wrong with it."""
    try:
        content = Path(path).read_bytes()
        if not is_tiff(content):
            return 1
        with open_tiff(BytesIO(content), str(path)) as stack:
            return _num_planes(stack)
    except (OSError, ValueError):
        return 1


def read_page(path: str | Path, page: int) -> Int64[np.ndarray, "h w"]:
    """One page of a label image; the others are not decoded.

    Raises:
        ValueError: As `read_labels`.
    """
    try:
        with Path(path).open("rb") as file:
            head = file.read(HEAD)
            file.seek(0)
            kind, hint = no_picture(head)
            if kind:
                fail(str(path), "a readable label image", kind, hint=hint)
            values = _tiff_plane(file, page, str(path)) if is_tiff(head) else _plane(file, str(path))
    except InputError:
        raise
    except UnidentifiedImageError:
        fail(str(path), "a readable label image", "no kind of image that is known")
    except Exception as error:  # on damaged files Pillow's readers raise almost anything
        reason = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
        fail(str(path), "a readable label image", reason)
    return _whole_numbers(values, str(path))


def void_label_of(path: str | Path) -> int | None:
    """The label that a palette shows in the colour of VOC's borders, 255, which is void; mostly none.

    VOC, DAVIS and their like draw with this palette; in other pictures 255 is a number like others.

    Example:
        >>> void_label_of("no-such-file.png")
    """
    try:
        with Image.open(path) as image:
            palette = image.getpalette() if image.mode == "P" else None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None
    return BORDER_LABEL if palette and tuple(palette[3 * BORDER_LABEL :][:3]) == BORDER_COLOR else None


def map_of_labels(
    labels: Int[np.ndarray, "h w"],
    category_of_label: Mapping[int, int | None] | int = OBJECT.id,
    *,
    background: int | None = BACKGROUND.id,
) -> PanopticMap:
    """The map of a label image: each label is a segment, and so is the background.

    Args:
        labels: 0 is background.
        category_of_label: One category for all labels but 0, or that of each label, of 0 too; `None` is void.
        background: The category of 0 where all other labels are of one category; `None` makes it void.

    Raises:
        ValueError: A label has no category.

    Example:
        >>> panoptic_map = map_of_labels(np.array([[0, 7], [7, 9]]))
        >>> [(segment.id, segment.category_id) for segment in panoptic_map.segments]
        [(7, 1), (9, 1), (10, 2)]
        >>> map_of_labels(np.array([[0, 7]]), background=None).ids.tolist()
        [[0, 7]]
    """
    present = np.unique(labels).tolist()
    if isinstance(category_of_label, int):
        category_of_label = {**dict.fromkeys(present, category_of_label), 0: background}
    for label in present:
        if label not in category_of_label:
            hint = "Where 0 is void, give it `None`." if label == 0 else ""
            fail("category_of_label", "a category for every label", f"none for {label}", hint=hint)
    id_of_label = {label: label or present[-1] + 1 for label in present}
    void = [label for label in present if category_of_label[label] is None]
    ids = np.where(labels == 0, id_of_label.get(0, 0), labels)
    ids[np.isin(labels, void)] = 0
    rows = [
        (id_of_label[label], category_of_label[label])
        for label in sorted(present, key=lambda label: id_of_label[label])
    ]
    return PanopticMap(ids, [Segment(id, row) for id, row in rows if row is not None])


def map_of_semantic_and_instances(
    semantic: np.ndarray, instances: np.ndarray, *, void: int = 255, categories: Categories | None = None
) -> PanopticMap:
    """The map of two images: category ids, and instance numbers that are told apart within a category.

    Args:
        semantic: The category id of each pixel, (h, w) whole numbers.
        instances: A number for each pixel; 0 on stuff.
        void: The value of `semantic` that means no category; 255, as in most label images.
        categories: If given, things of number 0 are crowds.

    Example:
        >>> panoptic_map = map_of_semantic_and_instances(np.array([[3, 3, 6, 255]]), np.array([[1, 2, 0, 0]]))
        >>> panoptic_map.ids.tolist(), [segment.category_id for segment in panoptic_map.segments]
        ([[1, 2, 3, 0]], [3, 3, 6])
    """
    if semantic.shape != instances.shape:
        fail("instances", f"of shape {semantic.shape} as `semantic`", instances.shape)
    pairs = np.stack([semantic, instances], axis=-1).reshape(-1, 2)
    rows_of_pairs, inverse = np.unique(pairs, axis=0, return_inverse=True)
    shown = rows_of_pairs[:, 0] != void
    number = np.where(shown, np.cumsum(shown), 0)
    things = set() if categories is None else {row.id for row in categories.things}
    rows = zip(number[shown].tolist(), rows_of_pairs[shown].tolist(), strict=True)
    segments = [Segment(n, k, is_crowd=k in things and part == 0) for n, (k, part) in rows]
    return PanopticMap(number[inverse.ravel()].reshape(semantic.shape), segments)


def _num_planes(stack: TiffStack) -> int:
    return len(stack) * stack.num_stains


def _tiff_plane(file: object, page: int, name: str) -> Shaped[np.ndarray, "h w"]:
    with open_tiff(file, name) as stack:
        stains = stack.num_stains
        stored = stack.read(page // stains)
    if stored.is_lossy:
        fail(name, _KEEPS_NUMBERS, f"one packed as {stored.compression}")
    values = turn_upright(stored.values, stored.orientation)
    if stains > 1:
        return values[..., page % stains]
    return _one_number(values, name)


_KEEPS_NUMBERS = "a label image in a format that keeps numbers (PNG, TIFF)"


def _plane(file: object, name: str) -> Shaped[np.ndarray, "h w"]:
    with Image.open(file) as image:  # pyright: ignore[reportArgumentType] - an open file
        if image.format not in LOSSLESS_FORMATS:
            fail(name, _KEEPS_NUMBERS, f"the format {image.format}")
        if (count := getattr(image, "n_frames", 1)) > 1:
            fail(name, "a label image of one page, or a TIFF", f"{count} frames of an animation")
        stored = read_stored(file, name)
        values = np.asarray(image) if stored is None else stored.values
        if image.mode not in LABEL_MODES and values.ndim != 3:
            fail(name, "a label image of one whole number from 0 a pixel", f"colours ({image.mode})")
        return _one_number(turn_upright(values, orientation_of(image)), name)


def _one_number(values: np.ndarray, name: str) -> Shaped[np.ndarray, "h w"]:
    """One number for each pixel: the gray of colours that are gray, and of four bytes their 32 bits.

    Opaque colours would be numbers above all that are allowed, so that no picture is taken for labels.
    """
    if values.ndim == 2 or values.shape[2] == 1:
        return values.reshape(values.shape[:2])
    colors, alpha = (
        (values[..., :3], values[..., 3:]) if values.shape[2] > 2 else np.split(values, [1], axis=2)
    )
    opaque = bool((alpha == np.iinfo(values.dtype).max).all()) if values.dtype.kind == "u" else not alpha.size
    if opaque and bool((colors == colors[..., :1]).all()):
        return colors[..., 0]
    if values.shape[2] == 4 and values.dtype == np.uint8 and int(alpha.max()) < FIRST_TOO_LARGE >> 24:
        return np.ascontiguousarray(values).view("<u4")[..., 0]
    return fail(
        name, "a label image of one whole number from 0 a pixel", f"{values.shape[2]} channels of colour"
    )


def _whole_numbers(values: Shaped[np.ndarray, "h w"], name: str) -> Int64[np.ndarray, "h w"]:
    expected = "a label image of whole numbers from 0 to 2^31 - 1"
    if values.dtype.kind not in "biuf":
        fail(name, expected, f"{values.dtype} pixels")
    if values.dtype.kind == "f":
        broken = values[~(np.isfinite(values) & (values == np.floor(values)))]
        if broken.size:
            fail(name, expected, f"{broken[0]:g}")
    if values.size:
        low, high = values.min(), values.max()
        if low < 0 or high >= FIRST_TOO_LARGE:
            fail(name, expected, str(low if low < 0 else high))
    return values.astype(np.int64)
