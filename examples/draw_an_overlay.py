"""Draw panoptic maps over their photo: one with a legend, and truth beside prediction."""

from pathlib import Path

from PIL import Image

from intarsia import draw
from intarsia.data.sticks import STICK_CATEGORIES, scattered_sticks


def main() -> None:
    """A drawn scene; any photo and any PanopticMap of its size work alike."""
    picture, truth = scattered_sticks(seed=1)
    coarse = truth.resized(64, 64).resized(256, 256)  # stands for a prediction: the truth at stride 4
    overlay = draw.overlay(picture, truth, STICK_CATEGORIES)
    save("overlay.png", draw.with_legend(overlay, truth, STICK_CATEGORIES))
    save("compared.png", draw.side_by_side(picture, truth, coarse, categories=STICK_CATEGORIES))


def save(name: str, picture) -> None:
    """Write a picture and say where it is."""
    Image.fromarray(picture).save(name)
    print(f"{picture.shape[1]} x {picture.shape[0]} pixels in {Path(name).resolve()}")


if __name__ == "__main__":
    main()
