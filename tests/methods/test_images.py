"""Whatever is an image becomes a float tensor; what is none is refused by name."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch.testing import assert_close

from intarsia.errors import InputError
from intarsia.methods.images import as_tensor

RGB = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3) * 10
AS_TENSOR = torch.from_numpy(RGB).permute(2, 0, 1).float() / 255


@pytest.fixture
def path(tmp_path):
    Image.fromarray(RGB).save(tmp_path / "image.png")
    return tmp_path / "image.png"


def test_a_path_a_picture_an_array_and_a_tensor_are_the_same_image(path):
    tensor = torch.from_numpy(RGB).permute(2, 0, 1)
    for source in (path, str(path), Image.fromarray(RGB), RGB, tensor, AS_TENSOR):
        assert_close(as_tensor(source), AS_TENSOR)


def test_gray_becomes_rgb_and_transparency_is_dropped():
    gray = RGB[..., 0]
    expected = torch.from_numpy(gray).float().expand(3, -1, -1) / 255
    assert_close(as_tensor(gray), expected)
    assert_close(as_tensor(Image.fromarray(gray)), expected)
    transparent = np.concatenate([RGB, np.full((2, 3, 1), 9, np.uint8)], axis=2)
    assert_close(as_tensor(Image.fromarray(transparent)), AS_TENSOR)


def test_a_photo_is_turned_upright(tmp_path):
    picture = Image.fromarray(RGB)
    exif = picture.getexif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise to see it upright
    picture.save(tmp_path / "turned.png", exif=exif)
    assert_close(as_tensor(tmp_path / "turned.png"), torch.rot90(AS_TENSOR, -1, dims=(1, 2)))


def test_files_that_are_no_images_are_named(tmp_path, path):
    (tmp_path / "cut.png").write_bytes(path.read_bytes()[:50])
    with pytest.raises(InputError, match=r"cut\.png` must be a readable image"):
        as_tensor(tmp_path / "cut.png")
    with pytest.raises(InputError, match=r"none\.png` must be an image, got no such file"):
        as_tensor(tmp_path / "none.png")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (np.zeros((2, 3, 5), np.uint8), r"of uint8, uint16 or floats, got uint8 of shape \(2, 3, 5\)"),
        (np.zeros((3, 20, 30), np.uint8), r"got uint8 of shape .* Channels come last: numpy.moveaxis"),
        (np.zeros((2, 3, 3), np.int64), "got int64 of shape"),
        (
            np.full((2, 3), 255.0),
            r"in \[0, 1\] where it is float, got values from 255 to 255. Divide by 255.",
        ),
        (np.zeros((0, 3, 3)), "of at least one pixel"),
        (torch.zeros(2, 3), r"a tensor \(3, h, w\), got one of shape \(2, 3\)"),
        (torch.zeros(3, 0, 4), r"a tensor \(3, h, w\), got one of shape \(3, 0, 4\)"),
        (torch.zeros(3, 2, 2, dtype=torch.int64), "a uint8 or float tensor, got one of torch.int64"),
        (torch.full((3, 2, 2), 200.0), r"in \[0, 1\] where it is float, got values from 200 to 200"),
        (torch.full((3, 2, 2), torch.nan), r"in \[0, 1\] where it is float, got values from nan to nan"),
    ],
)
def test_arrays_and_tensors_that_are_no_images_are_refused(source, message):
    with pytest.raises(InputError, match=message):
        as_tensor(source)
