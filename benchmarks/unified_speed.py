"""How fast are unified panoptic segmentation and Panoptic FPN, and their ways to make the map?

Two tables, process CPU time of one thread, best of a few rounds. The first times networks with random
weights: backbone to semantics (network), boxes and masks (heads), from there to the panoptic map (map), with
a given number of detections. The second times the merge by rules against detectron2's, written plainly: every
mask is pasted into the whole image, then the masks are merged one by one; the time of that merge without the
pasting stands beside it.

Run:  python benchmarks/unified_speed.py [--height 512 --width 1024] [--backbone tf_efficientnet_lite0]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from rich.console import Console
from rich.table import Table
from torch import Tensor

from intarsia.decoding.detections import Detections
from intarsia.decoding.merge import MergeConfig, merge_by_rules
from intarsia.methods.load import METHODS
from intarsia.nets import arrays_of
from intarsia.panoptic import Categories
from intarsia.recipes import unified

CITYSCAPES = Categories.named("cityscapes")
METHOD_OF = {"unified": "UnifiedPanoptic", "fpn": "PanopticFpn"}


def main() -> None:
    parser = argparse.ArgumentParser(description="Unified panoptic segmentation beside Panoptic FPN.")
    parser.add_argument("--height", type=int, default=512)
    parser.add_argument("--width", type=int, default=1024)
    parser.add_argument("--backbone", default="tf_efficientnet_lite0")
    parser.add_argument("--objects", type=int, default=30, help="detections on the image")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--small", action="store_true", help="the heads of the CPU recipes")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    console = Console(width=120)
    console.print(methods_table(arguments))
    console.print(merge_table(arguments.rounds))


def methods_table(arguments: argparse.Namespace) -> Table:
    """One row a method: the same backbone, pyramid, and heads."""
    size = f"{arguments.height}x{arguments.width}"
    table = Table("method, " + size, "network ms", "heads ms", "map ms", "sum ms")
    for name, config in configs(arguments).items():
        method = METHODS[METHOD_OF[name.replace(",", " ").split()[0]]](config, CITYSCAPES).eval()
        numbers = stages(method, arguments)
        table.add_row(name, *(f"{x:.0f}" for x in (*numbers, sum(numbers))))
    return table


def configs(arguments: argparse.Namespace) -> dict[str, Any]:
    """D2, D1, B and Panoptic FPN on one backbone."""
    ours, baseline = unified.cityscapes(), unified.fpn_cityscapes()
    if arguments.small:
        ours, baseline = unified.facades(), unified.fpn_facades()
    backbone = replace(ours.method.backbone, name=arguments.backbone, pretrained=False)
    rows = {
        "unified D2, argmax": ours,
        "unified D1, merge": unified.model(ours, "D1"),
        "unified B, argmax": unified.model(ours, "B"),
        "fpn, merge": baseline,
    }
    return {name: replace(recipe.method, backbone=backbone) for name, recipe in rows.items()}


@torch.inference_mode()
def stages(method: Any, arguments: argparse.Namespace) -> tuple[float, float, float]:
    """Milliseconds of the network, of the heads and of the map; detections are drawn, since weights are."""
    images = torch.rand(1, 3, arguments.height, arguments.width)
    whole = best(lambda: method(images), arguments.rounds)
    output = method(images)
    pyramid = output.pyramid

    def heads() -> object:
        return method.detector.detect(pyramid, method.detector.propose(pyramid))

    in_heads = best(heads, arguments.rounds)
    size = (arguments.height, arguments.width)
    found = drawn_detections(arguments.objects, size, masks=method.config.detection.masks)
    blocks = F.interpolate(
        torch.randn(1, 19, size[0] // 64, size[1] // 64), size=output.semantic_logits.shape[2:]
    )
    output = replace(output, detections=(found,), semantic_logits=blocks * 4)
    in_map = best(lambda: method.decode(output, [size]), arguments.rounds)
    return whole - in_heads, in_heads, in_map


def merge_table(rounds: int) -> Table:
    """One row a size and number of objects."""
    table = Table(
        "merge by rules",
        "detectron2: paste ms",
        "merge ms",
        "both ms",
        "ours ms",
        "times faster",
        "than its merge",
    )
    for height, width in ((256, 512), (1024, 2048)):
        for count in (10, 50):
            detections = drawn_detections(count, (height, width), masks=True)
            semantic = np.random.default_rng(0).integers(0, 19, (height // 64, width // 64))
            semantic = semantic.astype(np.uint8).repeat(64, axis=0).repeat(64, axis=1)
            config = MergeConfig(min_stuff_px=2048)
            pasted = pasted_into_the_image(detections, (height, width))
            labels = torch.from_numpy(semantic.astype(np.int64))
            paste = best(lambda d=detections, s=(height, width): pasted_into_the_image(d, s), rounds)
            loop = best(lambda m=pasted, d=detections, x=labels: plain_merge(m, d, x), rounds)
            arrays = arrays_of(detections)
            ours = best(
                lambda s=semantic, d=arrays, c=config: merge_by_rules(s, d, c, categories=CITYSCAPES), rounds
            )
            numbers = (paste, loop, paste + loop, ours, (paste + loop) / ours, loop / ours)
            table.add_row(f"{height}x{width}, {count} objects", *(f"{x:.1f}" for x in numbers))
    return table


def pasted_into_the_image(detections: Detections[Tensor], size: tuple[int, int]) -> Tensor:
    """Every mask at every pixel, as detectron2 pastes on a CPU: mask by mask, inside its box."""
    assert detections.mask_logits is not None
    height, width = size
    masks = torch.zeros(len(detections), height, width, dtype=torch.bool)
    for n, (box, logits) in enumerate(zip(detections.boxes, detections.mask_logits, strict=True)):
        x0, y0, x1, y1 = box.tolist()
        left, top = max(int(x0) - 1, 0), max(int(y0) - 1, 0)
        right, bottom = min(int(x1) + 2, width), min(int(y1) + 2, height)
        xs = (torch.arange(left, right) + 0.5 - x0) / (x1 - x0) * 2 - 1
        ys = (torch.arange(top, bottom) + 0.5 - y0) / (y1 - y0) * 2 - 1
        places = torch.stack(torch.meshgrid(xs, ys, indexing="xy"), dim=-1)[None]
        prob = F.grid_sample(logits.sigmoid()[None, None], places, align_corners=False)[0, 0]
        masks[n, top:bottom, left:right] = prob >= 0.5
    return masks


def plain_merge(masks: Tensor, detections: Detections[Tensor], semantic: Tensor) -> tuple[Tensor, list[dict]]:
    """The rules on masks of the whole image, one after the other, then one stuff category after the other."""
    panoptic = torch.zeros_like(semantic, dtype=torch.int32)
    segments: list[dict] = []
    for n in torch.argsort(-detections.scores):
        score = float(detections.scores[n])
        if score < 0.5:
            break
        mask = masks[n]
        area = mask.sum().item()
        if area == 0:
            continue
        taken = ((mask > 0) & (panoptic > 0)).sum().item()
        if taken / area > 0.5:
            continue
        if taken > 0:
            mask = mask & (panoptic == 0)
        panoptic[mask] = len(segments) + 1
        segments.append({"id": len(segments) + 1, "category": int(detections.categories[n]), "score": score})
    for label in torch.unique(semantic).tolist():
        if CITYSCAPES[label].is_thing:
            continue
        mask = (semantic == label) & (panoptic == 0)
        area = mask.sum().item()
        if area < 2048:
            continue
        panoptic[mask] = len(segments) + 1
        segments.append({"id": len(segments) + 1, "category": label, "area": area})
    return panoptic, segments


def drawn_detections(count: int, size: tuple[int, int], *, masks: bool) -> Detections[Tensor]:
    """Ellipses of one to three tenths of the image, some on top of others."""
    random = np.random.default_rng(0)
    height, width = size
    sides = random.uniform(0.1, 0.3, (count, 2)) * (width / 2, height)
    corners = random.uniform(0, 1, (count, 2)) * ((width, height) - sides)
    boxes = torch.from_numpy(np.concatenate([corners, corners + sides], axis=1)).float()
    steps = (torch.arange(28) + 0.5) / 14 - 1
    ellipse = 8 * (1 - steps[:, None] ** 2 - steps**2)
    things = [index for index, category in enumerate(CITYSCAPES) if category.is_thing]
    return Detections(
        boxes,
        torch.from_numpy(random.uniform(0.5, 1, count)).float(),
        torch.from_numpy(random.choice(things, count)),
        ellipse.expand(count, 28, 28) if masks else None,
    )


def best(call: Callable[[], object], rounds: int) -> float:
    """Milliseconds of CPU of the fastest of a few calls."""
    times = []
    for _ in range(rounds):
        start = time.process_time()
        call()
        times.append(1000 * (time.process_time() - start))
    return min(times)


if __name__ == "__main__":
    main()
