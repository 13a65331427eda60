"""Compare a predicted panoptic map with the truth: PQ, SQ and RQ, without torch and without files."""

import numpy as np

from intarsia.metrics import PanopticQuality
from intarsia.panoptic import Categories, PanopticMap, Segment

WINDOW, SHOP, FACADE = 1, 4, 6


def main() -> None:
    """Two of three windows are found, one of them too small, and a shop that is none."""
    categories = Categories.named("facades")
    truth = drawn({1: (WINDOW, 4, 4), 2: (WINDOW, 4, 14), 3: (WINDOW, 4, 24)})
    prediction = drawn({1: (WINDOW, 4, 4), 2: (WINDOW, 5, 15), 3: (SHOP, 20, 14)})
    quality = PanopticQuality(categories)
    quality.update(prediction, truth)
    print(quality.compute().table())


def drawn(objects: dict[int, tuple[int, int, int]]) -> PanopticMap:
    """A facade with 8 x 6 objects, each given by its category and its top left corner."""
    ids = np.full((32, 36), 9, np.int32)
    for id, (_, row, column) in objects.items():
        ids[row : row + 8, column : column + 6] = id
    things = [Segment(id, category_id) for id, (category_id, _, _) in objects.items()]
    return PanopticMap(ids, [*things, Segment(9, FACADE)])


if __name__ == "__main__":
    main()
