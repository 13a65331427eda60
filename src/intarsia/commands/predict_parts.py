"""Prediction in parts: by the workers of a cluster, or by processes started together; then joined."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from intarsia._check import fail
from intarsia.commands.cluster import Cluster
from intarsia.commands.photo_pages import PhotoPage
from intarsia.commands.photo_run import PhotoSettings
from intarsia.commands.photos import Photo
from intarsia.commands.ranks import Rank
from intarsia.commands.shards import PartOfRun, Shards, ShardWork, parts_of
from intarsia.errors import InputError
from intarsia.formats.image_files import ImageRows
from intarsia.formats.results import begin_results
from intarsia.panoptic import Categories

__all__ = ["RunResult", "predict_in_parts"]


@dataclass(frozen=True)
class RunResult:
    """What all parts came to.

    Attributes:
        categories: Of the model.
        rows: Of the images that were predicted, in order.
        broken: A sentence for each of the others.
    """

    categories: Categories
    rows: tuple[ImageRows, ...]
    broken: tuple[str, ...]


def predict_in_parts(photos: Sequence[Photo], settings: PhotoSettings, crew: Cluster | Rank) -> RunResult:
    """Predict photos in parts, and join what was made; the files are those of a run in one process.

    A run that was stopped goes on with the parts that are left, if photos, model and options are the same.

    Args:
        photos: All of them, in order, on each rank.
        settings: Of the run.
        crew: Who does the work.

    Returns:
        Everything on a cluster and on the first rank; on other ranks what this one did.

    Raises:
        ValueError: No such model, no photo can be read, or `out` cannot be written or is not seen by all.
    """
    parts = parts_of(photos)
    shards = Shards.of(settings, parts)
    try:
        shards.begin()
    except OSError as error:
        fail("out", "a folder that can be written", f"{settings.out} ({error.strerror})")
    run = settings.load()  # what is wrong is said here, before anything is sent
    run.make_folders()
    if isinstance(crew, Cluster) or crew.number == 0:
        begin_results(run.files, alone=isinstance(crew, Cluster))
    if isinstance(crew, Cluster):
        _on_cluster(parts, settings, shards, crew)
        return _join(settings, shards)
    own = _on_rank(parts, settings, shards, crew)
    return _join(settings, shards) if crew.number == 0 else _together(own)


def _on_cluster(
    parts: Sequence[Sequence[Photo]], settings: PhotoSettings, shards: Shards, cluster: Cluster
) -> None:
    """Each part that is left; workers have another working folder, so that paths are absolute."""
    elsewhere = replace(settings, out=settings.out.resolve(), model=_absolute_model(settings.model))
    elsewhere = replace(elsewhere, method=_absolute_class(settings.method), threads=cluster.num_cpus)
    elsewhere = replace(elsewhere, semantic=settings.semantic and settings.semantic.absolute())
    if (overlays := settings.overlays) is not None:
        elsewhere = replace(elsewhere, overlays=replace(overlays, folder=overlays.folder.resolve()))
    work = ShardWork(elsewhere, replace(shards, folder=shards.folder.resolve()))
    tasks = [(number, [_absolute(photo) for photo in parts[number]]) for number in shards.parts_to_do()]
    for _ in cluster.in_order(work, tasks, description="predicting", size=lambda task: len(task[1])):
        pass


def _on_rank(
    parts: Sequence[Sequence[Photo]], settings: PhotoSettings, shards: Shards, rank: Rank
) -> list[PartOfRun]:
    """This rank's share; the first waits for the others."""
    rank.take_gpu()
    work = ShardWork(replace(settings, threads=settings.threads or rank.threads), shards)
    own = rank.share(len(parts))
    finished_parts: list[PartOfRun] = []
    with rank.showing_life(shards.folder):
        for number in own:
            finished_parts.append(work.part(number, parts[number]))
            rank_name = f"rank {rank.number}: " if rank.count > 1 else ""
            print(f"{rank_name}part {number + 1} of {len(parts)}", file=sys.stderr)
    if rank.number:
        return finished_parts
    rank.wait(
        shards.parts_to_do,
        shards.folder,
        tell=lambda left: print(f"waiting for {left} parts of other ranks", file=sys.stderr),
    )
    return finished_parts


def _join(settings: PhotoSettings, shards: Shards) -> RunResult:
    """Write the files of the run from the rows of all parts."""
    parts_done: list[PartOfRun] = []
    with settings.results(shards.read(0).categories) as results:
        for part in shards:
            for rows in part.rows:
                results.add_written(rows)
            parts_done.append(replace(part, rows=tuple(rows.without_measures() for rows in part.rows)))
        result = _together(parts_done)
        if not result.rows:
            raise InputError(" ".join(result.broken))
    shards.remove()
    return result


def _together(parts: Sequence[PartOfRun]) -> RunResult:
    rows = tuple(rows for part in parts for rows in part.rows)
    broken = tuple(sentence for part in parts for sentence in part.broken)
    return RunResult(parts[0].categories if parts else Categories([]), rows, broken)


def _absolute(photo: Photo) -> Photo:
    page = photo.page if photo.stored else PhotoPage(photo.page.path.absolute(), photo.page.page)
    return replace(photo, page=page, mask=photo.mask and photo.mask.absolute())


def _absolute_model(model: str) -> str:
    return str(Path(model).resolve()) if Path(model).is_dir() else model


def _absolute_class(method: str) -> str:
    file, colon, name = method.rpartition(":")
    return f"{Path(file).resolve()}:{name}" if colon and Path(file).is_file() else method
