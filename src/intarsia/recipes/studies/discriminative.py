"""Table 2 of De Brabandere et al. 2017: accuracy, time and size of networks and image sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from intarsia.pictures.input_size import InputSize
from intarsia.recipes.study import Claim, DataName, Row, Study

_FRESH = (
    "method.backbone.pretrained=false",
    "method.backbone.frozen_levels=0",
    "method.backbone.frozen_norm=false",
)
NETWORKS: dict[str, tuple[str, ...]] = {
    "ENet": ("method.backbone.name=enet", "method.backbone.output_stride=8", *_FRESH),
    "ERFNet": ("method.backbone.name=erfnet", "method.backbone.output_stride=8", *_FRESH),
    "EfficientNet-Lite": (),
    "ResNet-18": ("method.backbone.name=resnet18", *_FRESH),
}
"""Leaves of a backbone by the name of its rows. The one with weights in a package starts from them."""

SIZES: dict[DataName, tuple[str, ...]] = {
    "facades": ("256x256", "384x384", "512x512"),
    "nuclei": ("128x128", "256x256", "384x384"),
    "sticks": ("128x128", "192x192", "256x256"),
    "cityscapes": ("512x256", "768x384", "1024x512"),
    "coco": ("320x320", "480x480", "640x640"),
}
"""Width and height in which the network sees an image, in training and at test."""

CATEGORIES: dict[DataName, str] = {
    "facades": "window",
    "nuclei": "nucleus",
    "sticks": "stick",
    "cityscapes": "car",
    "coco": "person",
}
"""What AP is of."""

_PAPER_ENET = {"512x256": (19.0, 21.0), "768x384": (21.0, 25.0), "1024x512": (20.0, 26.0)}
"""AP and AP with the true semantics of ENet on cars of Cityscapes."""


def table_2(on: DataName) -> Study:
    """Table 2: AP of one category, with its own and true semantics, ms, memory, parameters."""
    study = networks(on, NETWORKS, SIZES[on], category=CATEGORIES[on])
    return replace(study, rows=tuple(map(_with_paper, study.rows))) if on == "cityscapes" else study


def networks(
    on: DataName, backbones: Mapping[str, Sequence[str]], sizes: Sequence[str], *, category: str
) -> Study:
    """The same table for any networks and sizes.

    Args:
        on: Whose recipe, `discriminative-...`.
        backbones: Leaves of the recipe by the name of the rows, `("method.backbone.name=resnet18", ...)`;
            also `method.backbone.name=file.py:function`.
        sizes: As "768x384", width and height.
        category: The name of the category that AP is of.

    Example:
        >>> tiny = {"tiny": ["method.backbone.name=lcnet_050"]}
        >>> study = networks("facades", tiny, ["96x96"], category="car")
        >>> [row.name for row in study.rows]
        ['tiny 96x96', 'tiny 96x96, true semantics']
    """
    rows = [
        row for name, changes in backbones.items() for size in sizes for row in _pair(on, name, size, changes)
    ]
    claims = [Claim(true.name, ">=", own.name, "AP") for own, true in zip(rows[::2], rows[1::2], strict=True)]
    return Study(
        title=f"Table 2: networks and image sizes, AP of {category}",
        columns=("AP", "PQ", "mIoU", "ms", "MB", "params"),
        rows=tuple(rows),
        claims=tuple(claims),
        category=category,
        plot="speed",
        seeds=1,
    )


def _pair(on: DataName, network: str, size: str, changes: Sequence[str]) -> tuple[Row, Row]:
    """One network at one size, decoded with its own categories and with the true ones."""
    height, width = InputSize(size).of(1, 1)
    short = min(height, width)
    row = Row(
        name=f"{network} {size}",
        recipe=f"discriminative-{on}",
        run=f"{network.lower()}-{size}",
        overrides=(
            f"size={size}",
            f"augmentation.short_sides={4 * short // 5},{short},{5 * short // 4}",
            f"augmentation.crop={short},{short}",
            *changes,
        ),
        decoding=("method.grouping.kind=mean_shift", "method.grouping.bandwidth=delta_v"),
    )
    return row, replace(row, name=f"{row.name}, true semantics", oracle="semantics")


def _with_paper(row: Row) -> Row:
    network, _, size = row.name.partition(",")[0].partition(" ")
    if network != "ENet":
        return row
    return replace(row, paper={"AP": _PAPER_ENET[size][bool(row.oracle)]})
