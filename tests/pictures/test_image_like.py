"""Whatever a person calls an image becomes one kind of array, without torch."""

from __future__ import annotations

import subprocess
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from intarsia.errors import InputError
from intarsia.pictures.image_like import as_image

RGB = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3) * 10
EXPECTED = RGB.astype(np.float32) / 255


def test_files_bytes_streams_pictures_arrays_and_tensors_are_the_same_image(tmp_path: Path):
    Image.fromarray(RGB).save(tmp_path / "a.png")
    content = (tmp_path / "a.png").read_bytes()
    tensor = torch.from_numpy(RGB).permute(2, 0, 1)
    alpha = np.concatenate([RGB, np.full((2, 3, 1), 9, np.uint8)], axis=2)
    sources = [tmp_path / "a.png", str(tmp_path / "a.png"), content, BytesIO(content), Image.fromarray(RGB)]
    sources += [
        bytearray(content),
        memoryview(content),
        RGB,
        alpha,
        EXPECTED,
        EXPECTED.astype(np.float64),
        tensor,
        tensor / 255,
    ]
    with (tmp_path / "a.png").open("rb") as stream:
        for source in [*sources, stream]:
            got = as_image(source)
            assert got.dtype == np.float32
            assert np.array_equal(got, EXPECTED)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_tensors_of_every_precision_and_with_a_gradient_are_taken(kind: torch.dtype):
    tensor = torch.full((3, 2, 2), 0.5, dtype=kind, requires_grad=True)
    assert as_image(tensor).tolist() == [[[0.5] * 3] * 2] * 2


def test_deep_arrays_are_stretched_as_in_files():
    ramp = np.linspace(0, 4095, 24 * 32).round().astype(np.uint16).reshape(24, 32)
    file = BytesIO()
    Image.fromarray(ramp).save(file, "PNG")
    assert np.array_equal(as_image(ramp), as_image(file))
    assert np.array_equal(as_image(np.stack([ramp] * 3, -1)), as_image(file))
    assert as_image(np.array([[True, False]])).tolist() == [[[1.0] * 3, [0.0] * 3]]


def test_what_is_no_image_is_refused():
    for source, sentence in (
        (np.zeros((2, 3, 5), np.uint8), r"got uint8 of shape \(2, 3, 5\)"),
        (np.zeros((2, 3), np.int64), "of uint8, uint16 or floats, got int64"),
        (np.full((2, 3), 9.0), r"in \[0, 1\] where it is float, got values from 9 to 9. Divide by 255."),
        (np.full((2, 3), np.nan), "got values from nan to nan"),
        (b"no image", "`image` must be a readable image"),
    ):
        with pytest.raises(InputError, match=sentence):
            as_image(source)
    with pytest.raises(InputError, match="`page` must be given for files only, got it for an ndarray"):
        as_image(RGB, page=1)


def test_a_closed_file_is_named(tmp_path: Path):
    Image.fromarray(RGB).save(tmp_path / "a.png")
    with (tmp_path / "a.png").open("rb") as binary, (tmp_path / "a.png").open() as text:
        pass
    for file in (binary, text):
        with pytest.raises(InputError, match=r"a.png` must be an open file, got one that is closed"):
            as_image(file)
    buffer = BytesIO()
    buffer.close()
    with pytest.raises(InputError, match="`image` must be an open file, got one that is closed"):
        as_image(buffer)


def test_reading_needs_no_torch():
    script = (
        "import sys, numpy; from intarsia.pictures.image_like import as_image;"
        "as_image(numpy.zeros((2, 2), numpy.uint8)); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
