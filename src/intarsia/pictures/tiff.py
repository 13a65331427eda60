"""Every TIFF by tifffile: its pages and channels as they are stored, whatever program wrote it."""

from __future__ import annotations

import logging
import math
import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Shaped
from PIL import Image

from intarsia._check import fail
from intarsia.errors import InputError
from intarsia.pictures.libtiff import quiet_libtiff
from intarsia.pictures.tiff_part import TiffPart

__all__ = ["TiffPage", "TiffStack", "is_tiff", "open_tiff"]

SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
PLAIN_KINDS = ("generic", "uniform")
"""Series that tifffile only guessed from sizes; the order of the pages in the file is what counts."""
ALPHA = (1, 2)
"""TIFF 6.0, ExtraSamples: associated and unassociated alpha; 0 is data of an unknown kind."""
WHITE_IS_ZERO, PALETTE = 0, 3
LOSSY_COMPRESSIONS = frozenset({6, 7, 22610, 33003, 33004, 33005, 33007, 34712, 34887, 34892, 50001, 50002})
"""JPEG and its relatives: what they give back is near to what was written, and no label is near another."""
PILLOWS_COMPRESSIONS = frozenset({6, 7})
PILLOWS_COLORS = frozenset({5, 6, 8, 9})
"""CMYK, YCbCr and LAB: Pillow and its colour management turn them into RGB."""
MAX_CHANNELS = 1 << 10


def is_tiff(head: bytes) -> bool:
    """Whether a file that begins with these bytes is a TIFF, a BigTIFF, or one of their many children.

    Example:
        >>> is_tiff(b"II*" + bytes(5)), is_tiff(b"GIF89a")
        (True, False)
    """
    return head[:4] in SIGNATURES


@dataclass(frozen=True, eq=False)
class TiffPage:
    """The stored values of one page, and what they stand for.

    Attributes:
        values: All channels of all samples, of whatever type the file has.
        num_color: How many of the channels are colours; those behind them are alpha.
        needs_choice: Whether the channels are not the colours of one picture, so that somebody must choose.
        white_is_zero: Whether small values are bright.
        palette: The colour of each value, (n, 3) 8-bit, where values are places in a table.
        orientation: As EXIF has it, 1 to 8; 1 is upright.
        compression: How the pixels are packed.
        is_lossy: Whether the compression changes values.
        profile: The colour profile of the colours, where they have one.
    """

    values: Shaped[np.ndarray, "h w c"]
    num_color: int
    needs_choice: bool
    white_is_zero: bool
    palette: Shaped[np.ndarray, "n 3"] | None
    orientation: int
    compression: str
    is_lossy: bool
    profile: bytes | None = None


@contextmanager
def open_tiff(source: Any, name: str) -> Iterator[TiffStack]:
    """A TIFF for reading; everything that is wrong with it becomes one sentence with its name.

    Raises:
        ValueError: It is damaged, too large, or packed in a way that needs a package which is not installed.
    """
    import tifffile

    logging.getLogger("tifffile").addHandler(_QUIET)  # else its warnings go to the terminal
    try:
        with tifffile.TiffFile(source) as file:
            _check_chain(file)
            yield TiffStack(file, source, name)
    except InputError:
        raise
    except Exception as error:  # on damaged files its readers raise almost anything
        if "imagecodecs" in str(error):
            fail(name, "a TIFF whose compression can be read", str(error).rstrip("."), hint=_INSTALL)
        fail(name, "a readable image", f"a damaged TIFF ({type(error).__name__}: {error})")


_INSTALL = "pip install 'intarsia[microscopy]'"

_QUIET = logging.NullHandler()
"""One for all files: a logger takes a handler once, and calls each that it has at every warning."""


class TiffStack:
    """The pages of an open TIFF: of a plain file its directories, else what its metadata say.

    Stacks, time points and positions are pages; channels (fluorescence) and samples (RGB) belong to one page.
    """

    def __init__(self, file: Any, source: Any, name: str) -> None:
        """Look at the structure; no pixel is read."""
        self._file, self._source, self._name = file, source, name
        if not self._parts:
            fail(name, "a TIFF with a picture", "none")
        promised = _promised_planes(file)
        if promised > (held := sum(math.prod(part.outer) for part in self._parts)):
            fail(name, f"a TIFF of {promised} planes as its description says", f"{held}")

    def __len__(self) -> int:
        return sum(part.num_pages for part in self._parts)

    def size_of(self, index: int, *, upright: bool = True) -> tuple[int, int]:
        """Height and width of a page when it is upright, or as it is stored."""
        part, _ = self._place(index)
        height, width = part.size
        return (width, height) if upright and _orientation(part.keyframe) > 4 else (height, width)

    @property
    def num_channels(self) -> int:
        """Channels of the first page."""
        return self._parts[0].num_channels

    @property
    def num_stains(self) -> int:
        """Channels that are planes of their own (fluorescence), not samples of a pixel (RGB)."""
        return self._parts[0].count("C")

    @property
    def channel_names(self) -> tuple[str, ...]:
        """What the file calls its channels; empty where it does not say."""
        text = self._file.ome_metadata or ""
        return tuple(re.findall(r'<(?:\w+:)?Channel\b[^>]*?\bName="([^"]*)"', text))[: self.num_channels]

    def read(self, index: int) -> TiffPage:
        """One page; the others are not decoded."""
        return self._page(*self._place(index))

    def _place(self, index: int) -> tuple[TiffPart, int]:
        """The part that a page is in, and its number there."""
        for part in self._parts:
            if index < part.num_pages:
                return part, index
            index -= part.num_pages
        raise IndexError(index)

    @cached_property
    def _parts(self) -> list[TiffPart]:
        series = self._file.series
        if not series or series[0].kind in PLAIN_KINDS:
            pages = [page for page in self._file.pages if not (page.subfiletype & 5)]  # thumbnails, masks
            return [TiffPart(page.axes, page.shape, page, [page], None) for page in pages]
        several = series if series[0].kind in ("shaped", "imagej", "ome") else series[:1]
        return [TiffPart(s.axes, s.shape, s.keyframe, s.pages, s.dataoffset) for s in several]

    def _page(self, part: TiffPart, index: int) -> TiffPage:
        page = part.keyframe
        self._check_size(part)
        orientation, profile = _orientation(page), _profile(page)
        # values by Pillow where it alone reads the compression, else by tifffile
        if page.compression in PILLOWS_COMPRESSIONS or page.photometric in PILLOWS_COLORS:
            values, num_color, orientation, profile = self._by_pillow(page, index), 3, 1, None
            channels, samples = 1, 3
        else:
            try:
                values = part.read(index, self._file.filehandle)
            except Exception as error:
                if "imagecodecs" not in str(error) or not _pillow_is_right(page) or len(part.outer):
                    raise
                values, orientation = self._by_pillow(page, index), 1
            channels, samples = part.count("C"), part.count("S")
            alpha = sum(int(kind) in ALPHA for kind in page.extrasamples) if channels == 1 else 0
            num_color = values.shape[2] - alpha
        # what the values mean
        palette = page.colormap if page.photometric == PALETTE else None
        return TiffPage(
            values,
            num_color,
            needs_choice=num_color not in (1, 3) or (channels > 1 and samples > 1),
            white_is_zero=page.photometric == WHITE_IS_ZERO,
            palette=None if palette is None else (palette.T // 257).astype(np.uint8),
            orientation=orientation,
            compression=getattr(page.compression, "name", str(page.compression)),
            is_lossy=int(page.compression) in LOSSY_COMPRESSIONS,
            profile=profile,
        )

    def _check_size(self, part: TiffPart) -> None:
        limit = Image.MAX_IMAGE_PIXELS or math.inf
        height, width = part.size
        if height * width > limit:
            fail(self._name, f"an image of at most {limit} pixels", f"one of {height}x{width}")
        if part.num_channels > MAX_CHANNELS:
            fail(self._name, f"an image of at most {MAX_CHANNELS} channels", f"{part.num_channels}")

    def _by_pillow(self, page: Any, index: int) -> Shaped[np.ndarray, "h w c"]:
        """What Pillow makes of a page, which it turns upright by itself; other colours come as RGB."""
        from intarsia.pictures.colors import as_rgb

        quiet_libtiff()
        self._source.seek(0)
        with Image.open(self._source, formats=["TIFF"]) as image:
            image.seek(page.index if isinstance(page.index, int) else index)
            image.load()
            special = page.photometric in PILLOWS_COLORS or image.mode not in ("L", "I;16", "I", "F")
            values = as_rgb(image) if special else np.asarray(image)
        return values.reshape(*values.shape[:2], -1)


def _check_chain(file: Any) -> None:
    """Each page says where the next one is, the last says 0; tifffile would go round in a circle for ever."""
    form, handle = file.tiff, file.filehandle
    visited: set[int] = set()
    offset = file.pages.first.offset
    while 0 < offset < handle.size:
        if offset in visited:
            raise ValueError("its pages lead in a circle")
        visited.add(offset)
        handle.seek(offset)
        try:
            (num_tags,) = struct.unpack(form.tagnoformat, handle.read(form.tagnosize))
            handle.seek(offset + form.tagnosize + num_tags * form.tagsize)
            (offset,) = struct.unpack(form.offsetformat, handle.read(form.offsetsize))
        except struct.error:  # cut off: tifffile ends the chain here
            return


def _promised_planes(file: Any) -> int:
    """How many planes ImageJ's description names; 1 where there is none."""
    text = file.pages[0].description if len(file.pages) else ""
    named = re.search(r"^images=(\d+)", text, re.MULTILINE) if text.startswith("ImageJ=") else None
    return int(named[1]) if named else 1


def _orientation(page: Any) -> int:
    tag = page.tags.get(274)
    return int(tag.value) if tag is not None and tag.value in range(1, 9) else 1


def _profile(page: Any) -> bytes | None:
    tag = page.tags.get(34675)
    return tag.value if tag is not None and isinstance(tag.value, bytes) else None


def _pillow_is_right(page: Any) -> bool:
    """Whether Pillow gives the stored values of this page, and the package that unpacks it can be spared."""
    gray = page.samplesperpixel == 1 and page.dtype in (np.uint8, np.uint16, np.int32, np.float32)
    colors = page.samplesperpixel == 3 and page.dtype == np.uint8 and page.planarconfig == 1
    return (gray or colors) and page.photometric in (1, 2) and page.bitspersample >= 8
