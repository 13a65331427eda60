"""Whether a photo is as large as its map: training, conversion and inspection ask here, in the same words."""

from __future__ import annotations

from contextlib import suppress

from intarsia._check import fail
from intarsia.errors import InputError
from intarsia.formats.source import SourceMap
from intarsia.pictures.reading import read_size

__all__ = ["check_fit", "check_photo"]


def check_fit(source: SourceMap, photo_px: tuple[int, int], map_px: tuple[int, int]) -> None:
    """Refuse a photo of another size than its map, and say so where its EXIF orientation is the reason.

    Maps are of the photo as people see it. One that was drawn on the stored pixels is not turned here: where
    the picture is square, or the orientation only mirrors it, nothing would tell, and one folder would be
    read in two ways.

    Args:
        source: Names the photo and the map.
        photo_px: Height and width of the photo, upright.
        map_px: Of the map.

    Raises:
        ValueError: The sizes differ.
    """
    if photo_px == map_px:
        return
    hint = ""
    with suppress(InputError):  # what is read from an array has no orientation, and fits or does not
        if (
            source.image_path
            and read_size(source.image_path, page=source.image_page, upright=False) == map_px
        ):
            hint = (
                "Its EXIF orientation turns it; the map is drawn on the stored pixels. Take the orientation "
                "out of the photos (`exiftool -Orientation= FILES`), or turn the maps."
            )
    shown = source.map_path.name if source.map_path else source.map_file
    expected = f"{map_px[0]}x{map_px[1]} pixels like its map {shown}"
    fail(str(source.image_path or source.image_file), expected, f"{photo_px[0]}x{photo_px[1]}", hint=hint)


def check_photo(source: SourceMap, map_px: tuple[int, int] | None) -> None:
    """Refuse a photo that is broken, of another size than its map, or of several pages without a choice.

    It is decoded to the end, as training will; where no channel is chosen, any will do.

    Args:
        source: The photo, if there is one.
        map_px: Height and width of its map; None where that is broken, and only the photo is looked at.

    Raises:
        ValueError: As said.
    """
    if not source.has_photo:
        return
    any_channel = (0,) if source.image_path and not source.channel else source.channel
    photo = source.with_view(channel=any_channel).read_photo()
    if map_px is not None:
        check_fit(source, (photo.shape[0], photo.shape[1]), map_px)
