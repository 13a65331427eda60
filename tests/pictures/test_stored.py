"""PGM, PPM and JPEG 2000: the numbers that the file has, where Pillow gives others."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from intarsia.formats.label_image import read_labels
from intarsia.pictures.pnm import read_pnm
from intarsia.pictures.reading import read_image, read_size
from intarsia.pictures.values import read_values

RAMP = np.linspace(0, 4095, 24 * 32).astype(np.uint16).reshape(24, 32)


def pnm(values: np.ndarray, white: int, *, plain: bool) -> bytes:
    """A PGM of (h, w), a PPM of (h, w, 3)."""
    kind = (3 if values.ndim == 3 else 2) + (0 if plain else 3)
    head = f"P{kind}\n# by hand\n{values.shape[1]} {values.shape[0]}\n{white}\n".encode()
    if plain:
        return head + " ".join(map(str, values.ravel().tolist())).encode()
    return head + values.astype(">u2" if white > 255 else np.uint8).tobytes()


@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize("white", [1, 10, 255, 300, 4095, 65535])
def test_labels_of_a_pgm_are_the_numbers_in_it(tmp_path: Path, white: int, plain: bool):
    """Whatever its largest number; Pillow would make 197 of the 3 in a file whose largest number is 1000."""
    labels = np.array([[0, 1, white], [white, white // 2, 0]])
    (tmp_path / "a.pgm").write_bytes(pnm(labels, white, plain=plain))
    assert read_labels(tmp_path / "a.pgm")[0].tolist() == labels.tolist()


@pytest.mark.parametrize("plain", [True, False])
def test_a_deep_ppm_looks_as_the_same_ramp_in_gray(tmp_path: Path, plain: bool):
    colors = np.stack([RAMP, RAMP[::-1], RAMP[:, ::-1]], axis=2)
    (tmp_path / "a.ppm").write_bytes(pnm(colors, 65535, plain=plain))
    (tmp_path / "a.pgm").write_bytes(pnm(RAMP, 65535, plain=plain))
    color, gray = read_image(tmp_path / "a.ppm"), read_image(tmp_path / "a.pgm")
    assert color.max() == 255
    assert np.array_equal(color[..., 0], gray[..., 0])
    assert np.array_equal(color[..., 1], gray[::-1, :, 0])
    assert read_size(tmp_path / "a.ppm") == (24, 32)
    assert np.array_equal(read_values(tmp_path / "a.ppm"), colors)


def test_a_shallow_pgm_is_white_where_it_says_so(tmp_path: Path):
    (tmp_path / "a.pgm").write_bytes(pnm(np.array([[0, 5, 10]]), 10, plain=False))
    assert read_image(tmp_path / "a.pgm")[0, :, 0].tolist() == [0, 128, 255]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"P5\n2 1\n10\n\x01", "1 numbers of 2"),
        (b"P5\n1 1\n10\n\x0b", "11 where 10 is the largest"),
        (b"P2\n1 1\n70000\n1", "a largest number of 70000"),
        (b"P5\nx 1\n10\n\x01", "no width, height and largest number"),
    ],
)
def test_a_broken_pnm_is_refused(content: bytes, sentence: str):
    with pytest.raises(ValueError, match=sentence):
        read_pnm(content)


def jpeg_2000(values: np.ndarray, path: Path) -> Path:
    codecs = pytest.importorskip("imagecodecs")
    path.write_bytes(codecs.jpeg2k_encode(values, level=0, reversible=True, codecformat=path.suffix[1:]))
    return path


@pytest.mark.parametrize("kind", ["jp2", "j2k"])
def test_deep_colours_of_jpeg_2000_look_as_the_same_ramp_in_gray(tmp_path: Path, kind: str):
    colors = np.stack([RAMP, RAMP[::-1], RAMP[:, ::-1]], axis=2)
    path = jpeg_2000(colors, tmp_path / f"a.{kind}")
    file = io.BytesIO()
    Image.fromarray(RAMP).save(file, "PNG")
    assert np.array_equal(read_image(path)[..., 0], read_image(file.getvalue())[..., 0])
    assert np.array_equal(read_values(path), colors)


def test_deep_jpeg_2000_without_its_package_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = jpeg_2000(np.stack([RAMP] * 3, axis=2), tmp_path / "a.jp2")
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    with pytest.raises(ValueError, match=r"got a JPEG 2000 of more\. pip install 'intarsia\[microscopy\]'"):
        read_image(path)


def test_shallow_jpeg_2000_is_pillows(tmp_path: Path):
    picture = np.arange(6 * 7 * 3, dtype=np.uint8).reshape(6, 7, 3)
    Image.fromarray(picture).save(tmp_path / "a.jp2", irreversible=False)
    assert np.array_equal(read_image(tmp_path / "a.jp2"), picture)
    with pytest.raises(ValueError, match="in a format that keeps numbers"):
        read_labels(tmp_path / "a.jp2")


def test_an_animation_is_no_label_image(tmp_path: Path):
    frames = [Image.fromarray(np.full((3, 4), n, np.uint8)) for n in (1, 2)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    with pytest.raises(ValueError, match="a label image of one page, or a TIFF, got 2 frames"):
        read_labels(tmp_path / "a.gif")
