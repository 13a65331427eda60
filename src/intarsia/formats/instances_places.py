"""Where data sets of single instances keep their JSONs and photos, as annotation tools export them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from intarsia.formats.coco_places import part_names, photo_folders

__all__ = ["InstancesPlace", "find_instances"]

PREFIX = "instances_"
ROBOFLOW = "_annotations.coco.json"
LABEL_STUDIO = "result.json"


@dataclass(frozen=True, slots=True)
class InstancesPlace:
    """Where one part of a data set of single instances is: its JSON, perhaps one of stuff, and photos."""

    name: str
    json_path: Path
    folders: tuple[Path, ...]

    @property
    def stuff_path(self) -> Path | None:
        """The JSON of stuff beside that of things, where there is one."""
        path = self.json_path.with_name(self.json_path.name.replace(PREFIX, "stuff_"))
        return path if path != self.json_path and path.is_file() else None


def find_instances(source: str | Path) -> list[InstancesPlace]:
    """The parts of a data set of single instances, in all the layouts that are known; perhaps none.

    These are COCO's `annotations/instances_PART.json` (CVAT's and datumaro's, too), Roboflow's
    `PART/_annotations.coco.json` beside the photos, Label Studio's `result.json` with `images/`, one JSON, or
    the only JSON of a folder.

    Example:
        >>> find_instances("no-such-folder")
        []
    """
    source = Path(source)
    if source.is_file():
        root = source.parent.parent if source.parent.name == "annotations" else source.parent
        return [InstancesPlace("", source, _any_folder(root, source.parent))]
    if files := sorted((source / "annotations").glob(f"{PREFIX}*.json")):
        return _of_parts(source, files)
    roboflow = [*source.glob(ROBOFLOW), *sorted(source.glob(f"*/{ROBOFLOW}"))]
    if roboflow:
        names = [(file, "" if file.parent == source else file.parent.name) for file in roboflow]
        return [InstancesPlace(name, file, (file.parent, file.parent / "images")) for file, name in names]
    alone = [*source.glob(LABEL_STUDIO)] or [*source.glob("*.json")] or [*source.glob("annotations/*.json")]
    return [InstancesPlace("", alone[0], _any_folder(source))] if len(alone) == 1 else []


def _of_parts(root: Path, files: list[Path]) -> list[InstancesPlace]:
    anywhere = _any_folder(root) if len(files) == 1 else ()
    return [
        InstancesPlace(
            "" if name == "all" else name,
            file,
            tuple(dict.fromkeys(photo_folders(root, file, name, prefix=PREFIX) + anywhere)),
        )
        for file, name in part_names(files, PREFIX).items()
    ]


def _any_folder(root: Path, *first: Path) -> tuple[Path, ...]:
    """Where the photos of a data set without parts may be: in `images/`, the folder itself, or any in it."""
    inside = sorted(path for path in root.glob("*") if path.is_dir() and path.name != "annotations")
    return tuple(dict.fromkeys([root / "images", *first, root, *inside]))
