"""Who keeps ids through a clip: one cut over windows of frames, or the nearest centre in embedding space?

    python benchmarks/clips.py --data DIR [--photos 12] [--frames 17] [--model facades-embedding] [--window 2]
    python benchmarks/clips.py --picture FILE

Clips are made from photos of the validation part (`drawn_clips.py`): pans, and pans that a strip of another
photo passes before. For each kind and each way of tracking: PQ of the frames, VPQ over windows of 1, 2, 4 and
8 frames, of all and of things, STQ, AQ, id switches in 100 matches of a true thing (IoU above a half; the id
is another than at the last match), and CPU ms a frame beside the network's. Models without an embedding are
cut only. The numbers of one run stand in docs/depth-and-time.md. --picture draws frames of a clip of the
second kind, made from the photo of the examples and passed by its own mirror image: as seen, and with the
ids of either way, a colour each.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from drawn_clips import Photo, panned, passed_by
from PIL import Image

import intarsia
from intarsia.data.dataset import PanopticDataset
from intarsia.decoding.clip import ClipCutter
from intarsia.decoding.image_view import ImageView
from intarsia.decoding.tracking import InstanceTracker
from intarsia.draw import overlay
from intarsia.errors import InputError
from intarsia.metrics import PanopticQuality
from intarsia.metrics.video_quality import SegmentationTrackingQuality, VideoPanopticQuality
from intarsia.panoptic import Categories, PanopticMap
from intarsia.runtime.model import Model

WINDOWS = (1, 2, 4, 8)
WIDTHS = (6, 6, 8, 6, 6, 12, 12)
STEP_PX = 4

Follow = Callable[[Sequence[ImageView], Sequence[Photo]], list[PanopticMap]]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--data")
    source.add_argument("--picture", type=Path)
    parser.add_argument("--photos", type=int, default=12)
    parser.add_argument("--frames", type=int, default=17)
    parser.add_argument("--model", default="facades-embedding")
    parser.add_argument("--window", type=int, default=2)
    options = parser.parse_args()
    model = intarsia.load(options.model)
    ways = {"centres": by_centers(model), "cut": by_cut(model, options.window)}
    if not has_embedding(model):
        del ways["centres"]
    if options.picture is not None:
        draw(model, ways, options.picture)
        return
    print(f"{'':<24}{'PQ':>6}{'VPQ':>6}{'things':>8}{'STQ':>6}{'AQ':>6}{'switches %':>12}{'ms a frame':>12}")
    photos = chosen_photos(options.data, options.photos)
    for kind in ("pan", "passed by"):
        tallies = {name: Tally(model.categories) for name in ways}
        for number, photo in enumerate(photos):
            near = photos[(number + 1) % len(photos)]
            clip = list(
                panned(photo, frames=options.frames, step=STEP_PX)
                if kind == "pan"
                else passed_by(photo, near, frames=options.frames, step=STEP_PX)
            )
            views = list(model.views([frame.picture for frame in clip]))
            for name, follow in ways.items():
                begin = time.process_time()
                maps = follow(views, clip)
                tallies[name].update(maps, [frame.truth for frame in clip], time.process_time() - begin)
        for name, tally in tallies.items():
            print(f"{kind + ', ' + name:<24}{tally.row()}", flush=True)


def draw(model: Model, ways: dict[str, Follow], path: Path) -> None:
    """Every sixth frame of a clip in a column, what is seen and the things of each way below each other."""
    picture = np.asarray(Image.open(Path(__file__).parents[1] / "examples/photos/china.jpg").convert("RGB"))
    # its houses are in the middle
    photos = [
        Photo(pixels, model.predict(pixels)) for pixels in (picture[100:, 40:], picture[100:, 40:][:, ::-1])
    ]
    clip = list(passed_by(*photos, frames=25, step=STEP_PX))
    views = list(model.views([frame.picture for frame in clip]))
    rows = [[frame.picture for frame in clip]]
    options = {"steady": True, "by": "instance", "names": False}
    for follow in ways.values():
        maps = follow(views, clip)
        rows.append(
            [
                overlay(frame.picture, seen, model.categories, **options)
                for frame, seen in zip(clip, maps, strict=True)
            ]
        )
    drawn = [np.concatenate(row[1::6], axis=1) for row in rows]
    Image.fromarray(np.concatenate(drawn, axis=0)).save(path, quality=88)


def chosen_photos(data: str, count: int) -> list[Photo]:
    dataset = PanopticDataset(data, split="val")
    photos = []
    for number in np.linspace(0, len(dataset) - 1, count).round().astype(int):
        sample = dataset[int(number)]
        photos.append(Photo(np.moveaxis(np.asarray(sample.image), 0, -1).copy(), sample.panoptic_map()))
    return photos


def has_embedding(model: Model) -> bool:
    try:
        model.decoder.embedding_field(model.view(np.zeros((32, 32, 3), np.uint8)))
    except InputError:
        return False
    return True


def by_centers(model: Model) -> Follow:
    def follow(views: Sequence[ImageView], clip: Sequence[Photo]) -> list[PanopticMap]:
        tracker = InstanceTracker(model.categories)
        return [
            tracker.follow(model.decode(view), model.decoder.embedding_field(view), stride=view.stride)
            for view in views
        ]

    return follow


def by_cut(model: Model, window: int) -> Follow:
    def maps(views: Sequence[ImageView], clip: Sequence[Photo]) -> Iterator[PanopticMap]:
        cutter = ClipCutter(model.categories, model.decoder.cut_config, window=window)
        for view, frame in zip(views, clip, strict=True):
            yield from cutter.add(model.decoder.cut_view(view, model.categories), frame.picture)
        yield from cutter.finish()

    return lambda views, clip: list(maps(views, clip))


class Tally:
    """All measures of one way of tracking."""

    def __init__(self, categories: Categories) -> None:
        self.things = {category.id for category in categories.things}
        self.frames = PanopticQuality(categories)
        self.videos = VideoPanopticQuality(categories, windows=WINDOWS)
        self.tubes = SegmentationTrackingQuality(categories)
        self.num_frames = self.num_matches = self.num_switches = 0
        self.seconds = 0.0

    def update(self, maps: list[PanopticMap], truths: list[PanopticMap], seconds: float) -> None:
        self.videos.update(maps, truths)
        self.tubes.update(maps, truths)
        self.num_frames += len(maps)
        self.seconds += seconds
        last: dict[int, int] = {}
        for prediction, truth in zip(maps, truths, strict=True):
            self.frames.update(prediction, truth)
            for true_id, id in matches(prediction, truth, self.things):
                self.num_matches += true_id in last
                self.num_switches += last.get(true_id, id) != id
                last[true_id] = id

    def row(self) -> str:
        videos, tubes = self.videos.compute(), self.tubes.compute()
        percent = (self.frames.compute().all.pq, videos.all, videos.things, tubes.stq, tubes.aq)
        switches, frame_ms = self.num_switches / self.num_matches, 1000 * self.seconds / self.num_frames
        cells = [f"{100 * value:.1f}" for value in (*percent, switches)] + [f"{frame_ms:.1f}"]
        return "".join(cell.rjust(width) for cell, width in zip(cells, WIDTHS, strict=True))


def matches(prediction: PanopticMap, truth: PanopticMap, things: set[int]) -> list[tuple[int, int]]:
    """True things and the predicted ones that match them, whatever those are taken for."""
    pairs, common = np.unique(
        np.stack([truth.ids.ravel(), prediction.ids.ravel()]), axis=1, return_counts=True
    )
    known = {s.id for s in truth.segments if s.category_id in things and not s.is_crowd}
    found = {s.id for s in prediction.segments if s.category_id in things}
    result = []
    for (true_id, id), count in zip(pairs.T.tolist(), common.tolist(), strict=True):
        if true_id in known and id in found:
            union = truth.area(true_id) + prediction.area(id) - count
            if count > union / 2:
                result.append((true_id, id))
    return result


if __name__ == "__main__":
    main()
