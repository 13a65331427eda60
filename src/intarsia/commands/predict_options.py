"""What prediction is not asked to do: options that exclude each other, and folders of others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from intarsia._check import fail
from intarsia.commands.photo_run import PhotoSettings
from intarsia.formats.label_places import LABEL_FOLDERS
from intarsia.formats.results import holds_labels_of_results
from intarsia.pictures.suffixes import is_picture_name
from intarsia.pictures.video import VIDEO_SUFFIXES

__all__ = ["check_no_data_set", "check_options", "videos_among"]


def check_options(
    settings: PhotoSettings,
    *,
    page: int | str | None,
    videos: Sequence[Path],
    in_parts: bool,
    has_stored: bool,
) -> None:
    """Refuse options that exclude each other.

    Args:
        settings: Of the run.
        page: Which page of stacks, as it was asked for.
        videos: Those among the files; empty for photos.
        in_parts: Whether many processes share the work.
        has_stored: Whether there are photos in an object store.

    Raises:
        ValueError: Two options exclude each other.
    """
    stack = settings.stacks
    if stack and videos:
        fail("stack", "for files of several pages", f"the video {videos[0]}")
    if stack and page is not None:
        fail("page", "left out for a stack, all of whose pages are seen", page)
    for name in ("diameter", "semantic"):
        value = getattr(settings, name)
        if (videos or stack) and value is not None:
            fail(name, "left out for videos and stacks", value)
    if settings.diameter is not None and settings.size is not None:
        fail("size", "left out where `diameter` says at what scale images are seen", repr(settings.size))
    if settings.diameter is not None and settings.semantic is not None:
        fail("diameter", "left out where `semantic` gives the categories", settings.diameter)
    if page == "all" and has_stored:
        fail("page", "the number of one for files of an object store", '"all"')
    if (videos or stack) and in_parts:
        got = f"the video {videos[0]}" if videos else "stacks"
        fail("images", "single photos in an object store, and where many processes share the work", got)


def check_no_data_set(folder: Path, write: Sequence[str]) -> None:
    """A data set has photos beside its JSON or its labels, and results never have.

    Raises:
        ValueError: The folder is that of a data set, and results would replace a part of it.
    """
    has_photos = (folder / "images").is_dir()
    if (folder / "panoptic.json").is_file() and has_photos:
        fail(
            "out", "another folder than that of a data set, whose panoptic.json it would replace", str(folder)
        )
    if "labels" not in write or holds_labels_of_results(folder):
        return
    places = [folder / name for name in LABEL_FOLDERS if (folder / name).is_dir()]
    if places and (has_photos or any(map(is_picture_name, folder.iterdir()))):
        expected = f"another folder than that of a data set, whose {places[0].name}/ must stay as it is"
        fail("out", expected, str(folder))


def videos_among(paths: Sequence[str | Path]) -> list[Path]:
    """The paths if they are videos; a folder is searched for images only.

    Raises:
        ValueError: Photos are among them, or two have the same name.
    """
    videos = [path for path in map(Path, paths) if path.suffix.lower() in VIDEO_SUFFIXES and path.is_file()]
    if videos and len(videos) < len(paths):
        others = [str(path) for path in paths if Path(path) not in videos]
        fail("images", "all photos or all videos", f"the video {videos[0]} and {others[0]}")
    if len({video.stem for video in videos}) < len(videos):
        fail("images", "videos of different names", ", ".join(map(str, videos)))
    return videos
