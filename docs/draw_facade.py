"""Draw the README's picture: a photo, its embeddings as colours, and the segments, by the shipped models.

python docs/draw_facade.py [PHOTO]
"""

import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import intarsia
from intarsia import draw
from intarsia.methods.load import load

ROOT = Path(__file__).parents[1]
HEIGHT = 360


def main() -> None:
    """Three panels of one height, side by side, into docs/images/facade.jpg."""
    photo = sys.argv[1] if sys.argv[1:] else None
    picture = np.asarray(Image.open(photo or ROOT / "examples/photos/china.jpg").convert("RGB"))
    embedding, model = load("facades-embedding").eval(), intarsia.load("facades")
    with torch.inference_mode():
        output = embedding(torch.from_numpy(picture.copy()).movedim(2, 0)[None] / 255)
    segments = draw.overlay(picture, model.predict(picture), model.categories)
    things = model.categories.is_thing[
        output.semantic_logits[0].argmax(dim=0).numpy()
    ]  # elsewhere embeddings mean nothing
    colors = draw.embedding_rgb(np.where(things, output.embeddings[0].numpy(), 0))
    panels = [picture, np.where(things[..., None], colors, np.uint8(40)), segments]
    out = ROOT / "docs" / "images" / "facade.jpg"
    Image.fromarray(np.concatenate([resized(panel) for panel in panels], axis=1)).save(out, quality=88)
    print(out.relative_to(ROOT))


def resized(panel: np.ndarray) -> np.ndarray:
    """A panel at the picture's height, with a white border."""
    width = round(panel.shape[1] * HEIGHT / panel.shape[0])
    image = Image.fromarray(panel).resize((width, HEIGHT), Image.Resampling.LANCZOS)
    return np.pad(np.asarray(image), [(0, 0), (0, 6), (0, 0)], constant_values=255)


if __name__ == "__main__":
    main()
