"""What a network is trained towards: the panoptic maps of a batch as tensors, with boxes and centres."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Bool, Float, Int32, Int64, Shaped, UInt8
from scipy.ndimage import find_objects
from torch import Tensor

import intarsia._native as _native
from intarsia._check import fail
from intarsia.data.sample import Sample
from intarsia.panoptic import VOID_INDEX, Categories, Segment


@dataclass(frozen=True, eq=False)
class PanopticTargets:
    """The truth of a batch. Instances are things told apart: numbered 1 ... n in each image, none left out.

    Attributes:
        semantic: Category index; 255 in void and padding.
        instances: Number of the instance; 0 in stuff, void, crowds and padding.
        crowd: Whether the pixel is in a group of things that are not told apart.
        boxes: Of each image the instances' boxes: x, y, x, y in pixels, half open.
        centers: Of each image the instances' centres of mass: row, column; pixel (0, 0) has centre 0, 0.
        categories: Of each image the instances' category indices.
    """

    semantic: Int64[Tensor, "b h w"]
    instances: Int64[Tensor, "b h w"]
    crowd: Bool[Tensor, "b h w"]
    boxes: tuple[Float[Tensor, "_ 4"], ...]
    centers: tuple[Float[Tensor, "_ 2"], ...]
    categories: tuple[Int64[Tensor, " _"], ...]
    _grids: dict[int, PanopticTargets] = field(default_factory=dict, init=False, repr=False)

    def __len__(self) -> int:
        return self.semantic.shape[0]

    @cached_property
    def areas(self) -> Float[Tensor, "b _"]:
        """Pixels of each instance by its number, counted once; those of number 0 are in none."""
        with torch.inference_mode(False):  # who asks first may need no gradient, who asks next may
            numbers = self.instances.flatten(1)  # b (h w)
            most = max((len(boxes) for boxes in self.boxes), default=0)
            areas = torch.zeros(len(numbers), most + 1, device=numbers.device)
            return areas.scatter_add_(1, numbers, torch.ones_like(numbers, dtype=areas.dtype))

    def to(self, device: torch.device | str, *, non_blocking: bool = False) -> PanopticTargets:
        """The same targets on a device."""
        return self._map(lambda x: x.to(device, non_blocking=non_blocking))

    def pin_memory(self) -> PanopticTargets:
        """The same targets in page-locked memory; torch's loader calls this."""
        return self._map(lambda x: x.pin_memory())

    def _map(self, move: Callable[[Tensor], Tensor]) -> PanopticTargets:
        return PanopticTargets(
            semantic=move(self.semantic),
            instances=move(self.instances),
            crowd=move(self.crowd),
            boxes=tuple(map(move, self.boxes)),
            centers=tuple(map(move, self.centers)),
            categories=tuple(map(move, self.categories)),
        )


@dataclass(frozen=True, eq=False)
class Batch:
    """Images with their targets. Smaller images stand top left in the largest one's size; the rest is black.

    Attributes:
        images: RGB in [0, 1].
        targets: Of the same size as the images.
        sizes: Height and width of each image without its padding.
        names: File names, for messages.
        broken: What was wrong with files that were passed over to fill this batch, a sentence each.
    """

    images: Float[Tensor, "b 3 h w"]
    targets: PanopticTargets
    sizes: list[tuple[int, int]]
    names: list[str]
    broken: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.names)

    def to(self, device: torch.device | str, *, non_blocking: bool = False) -> Batch:
        """The same batch on a device."""
        images = self.images.to(device, non_blocking=non_blocking)
        return replace(self, images=images, targets=self.targets.to(device, non_blocking=non_blocking))

    def pin_memory(self) -> Batch:
        """The same batch in page-locked memory; torch's loader calls this."""
        return replace(self, images=self.images.pin_memory(), targets=self.targets.pin_memory())


def targets_of(
    ids: Int32[Tensor, "h w"], segments: Sequence[Segment], categories: Categories
) -> PanopticTargets:
    """The targets of one image, as a batch of one.

    Segments without a pixel are left out, so that instances stay consecutive after a crop. Pixels of an id
    that no segment has are void.

    Raises:
        ValueError: A segment's category is unknown.

    Example:
        >>> ids = torch.tensor([[5, 5, 9], [5, 5, 9]], dtype=torch.int32)
        >>> window, facade = Segment(5, category_id=1), Segment(9, category_id=6)
        >>> targets = targets_of(ids, [window, facade], Categories.named("facades"))
        >>> targets.boxes[0].tolist(), targets.centers[0].tolist()
        ([[0.0, 0.0, 2.0, 2.0]], [[0.5, 0.5]])
    """
    # each pixel gets the place of its segment in the list, from 1; void has place 0 in every table
    dense = ids.contiguous().numpy()
    keys = np.array([segment.id for segment in segments], np.int32)
    place = _native.relabel(dense, keys, np.arange(1, len(keys) + 1, dtype=np.int32), 0)
    visible = np.bincount(place.ravel(), minlength=len(keys) + 1)[1:] > 0
    # things that are told apart are numbered
    category = np.array([categories.index_of(s.category_id) for s in segments], np.int64)
    is_crowd = np.array([segment.is_crowd for segment in segments], bool)
    is_instance = visible & categories.is_thing[category] & ~is_crowd
    instance = np.where(is_instance, np.cumsum(is_instance), 0)
    instances = _with_void(instance, 0).take(place)
    boxes, centers = _boxes_and_centers(instances)
    return PanopticTargets(
        semantic=torch.from_numpy(_with_void(category, VOID_INDEX).take(place))[None],
        instances=torch.from_numpy(instances)[None],
        crowd=torch.from_numpy(_with_void(is_crowd, False).take(place))[None],
        boxes=(torch.from_numpy(boxes),),
        centers=(torch.from_numpy(centers),),
        categories=(torch.from_numpy(category[is_instance]),),
    )


def with_void_class(targets: PanopticTargets, index: int) -> PanopticTargets:
    """The same targets with void as a class, for a network that is to say where nothing is labelled.

    Crowds stay unknown: they are labelled. What pads a crop or a batch is void, too, and of one colour.

    Args:
        targets: The truth of the batch, in pixels.
        index: The class of void; the first one beyond the categories.

    Example:
        >>> ids = torch.tensor([[0, 1]], dtype=torch.int32)
        >>> targets = targets_of(ids, [Segment(1, category_id=6)], Categories.named("facades"))
        >>> with_void_class(targets, 10).semantic.tolist()
        [[[10, 5]]]
    """
    is_void = (targets.semantic == VOID_INDEX) & ~targets.crowd
    return replace(targets, semantic=torch.where(is_void, index, targets.semantic))


def collate(samples: Sequence[Sample], categories: Categories) -> Batch:
    """Bring samples of any sizes into one batch, padded at the bottom and the right.

    Raises:
        ValueError: There is no sample.
    """
    if not samples:
        fail("samples", "at least one sample", "none")
    sizes = [sample.size for sample in samples]
    images = stacked_images([sample.image for sample in samples])
    height, width = images.shape[2:]
    each = [targets_of(sample.ids, sample.segments, categories) for sample in samples]
    targets = PanopticTargets(
        semantic=_pad([t.semantic for t in each], height, width, VOID_INDEX),
        instances=_pad([t.instances for t in each], height, width, 0),
        crowd=_pad([t.crowd for t in each], height, width, False),
        boxes=tuple(t.boxes[0] for t in each),
        centers=tuple(t.centers[0] for t in each),
        categories=tuple(t.categories[0] for t in each),
    )
    return Batch(images, targets, sizes, [sample.name for sample in samples])


def stacked_images(images: Sequence[UInt8[Tensor, "3 _ _"]]) -> Float[Tensor, "b 3 h w"]:
    """The images in [0, 1], each top left in the size of the largest, the rest black."""
    height, width = (max(image.shape[axis] for image in images) for axis in (1, 2))
    stack = torch.zeros((len(images), 3, height, width))
    for row, image in zip(stack, images, strict=True):
        torch.div(image, 255, out=row[:, : image.shape[1], : image.shape[2]])
    return stack


def at_grid(targets: PanopticTargets, *, stride: int = 4) -> PanopticTargets:
    """The targets at every `stride`-th pixel: of each block the one in the middle, clamped at the edge.

    Instances that show no pixel on the grid are left out and the others renumbered; boxes and centres stay
    in pixels of the image. Targets are sampled once: whoever asks again in the same step gets the same.

    Source: Abbas and Swoboda 2021, released code: pixel (2, 2) of each 4x4 block;
    the clamp for sizes that 4 does not divide is ours.

    Args:
        targets: In pixels of the image.
        stride: Pixels between neighbours on the grid; 4, the finest level of the usual backbones.
    """
    if stride not in targets._grids:
        with torch.inference_mode(False):  # who asks first may need no gradient, who asks next may
            targets._grids[stride] = _sample(targets, stride)
    return targets._grids[stride]


def middle_pixels(values: Shaped[Tensor, "b h w"], stride: int) -> Shaped[Tensor, "b hs ws"]:
    """The values where `at_grid` looks: of each block the one in the middle.

    Example:
        >>> middle_pixels(torch.arange(8.0).view(1, 1, 8), 4)
        tensor([[[2., 6.]]])
    """
    rows, columns = (
        (torch.arange(0, n, stride, device=values.device) + stride // 2).clamp(max=n - 1)
        for n in values.shape[1:]
    )
    return values[:, rows[:, None], columns]


def _sample(targets: PanopticTargets, stride: int) -> PanopticTargets:
    instances = middle_pixels(targets.instances, stride)
    # instances between the points are gone, and the others move up
    visible = [_visible(ids, len(boxes)) for ids, boxes in zip(instances, targets.boxes, strict=True)]
    numbers = [torch.cat([keep.new_zeros(1), keep]).cumsum(0) for keep in visible]
    return PanopticTargets(
        semantic=middle_pixels(targets.semantic, stride),
        instances=torch.stack([number[ids] for number, ids in zip(numbers, instances, strict=True)]),
        crowd=middle_pixels(targets.crowd, stride),
        boxes=tuple(x[keep] for x, keep in zip(targets.boxes, visible, strict=True)),
        centers=tuple(x[keep] for x, keep in zip(targets.centers, visible, strict=True)),
        categories=tuple(x[keep] for x, keep in zip(targets.categories, visible, strict=True)),
    )


def _with_void(values: np.ndarray, void: int | bool) -> np.ndarray:
    """A table to look rows up in, where row 0 is void."""
    return np.concatenate([np.array([void], values.dtype), values])


def _boxes_and_centers(
    instances: np.ndarray,
) -> tuple[Float[np.ndarray, "n 4"], Float[np.ndarray, "n 2"]]:
    places = find_objects(instances)
    boxes = [(box[1].start, box[0].start, box[1].stop, box[0].stop) for box in places]
    height, width = instances.shape
    of_instance = instances.ravel()
    area = np.bincount(of_instance)[1:]
    rows = np.bincount(of_instance, np.repeat(np.arange(height, dtype=np.float64), width))[1:]
    columns = np.bincount(of_instance, np.tile(np.arange(width, dtype=np.float64), height))[1:]
    centers = np.stack([rows / area, columns / area], axis=1)
    return np.array(boxes, np.float32).reshape(-1, 4), centers.astype(np.float32)


def _pad(maps: list[Tensor], height: int, width: int, value: int | bool) -> Tensor:
    padded = maps[0].new_full((len(maps), height, width), value)
    for row, plane in zip(padded, maps, strict=True):
        row[: plane.shape[1], : plane.shape[2]] = plane[0]
    return padded


def _visible(instances: Int64[Tensor, "h w"], count: int) -> Bool[Tensor, " n"]:
    return instances.flatten().bincount(minlength=count + 1)[1:] > 0
