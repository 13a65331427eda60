"""Draw a panoptic map over its photo and save the picture: colours by segment, names where there is room."""

from pathlib import Path

from PIL import Image

from intarsia import draw
from intarsia.data.sticks import STICK_CATEGORIES, scattered_sticks


def main() -> None:
    """A drawn scene with its truth; any photo and any PanopticMap of its size work alike."""
    picture, truth = scattered_sticks(seed=1)
    out = Path("overlay.png")
    Image.fromarray(draw.overlay(picture, truth, STICK_CATEGORIES)).save(out)
    print(f"{len(truth.segments)} segments drawn to {out.resolve()}")


if __name__ == "__main__":
    main()
