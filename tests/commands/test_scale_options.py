"""Two options that each say at what scale an image is seen: one of them, or a sentence."""

from pathlib import Path

import pytest

import intarsia

PHOTO = str(Path(__file__).parents[2] / "examples" / "photos" / "nuclei.tif")


def test_a_size_and_a_diameter_at_once_are_refused_before_anything_is_written(tmp_path: Path):
    out = tmp_path / "out"
    with pytest.raises(ValueError, match=r"`size` must be left out where `diameter` says"):
        intarsia.predict((PHOTO,), model="nuclei", size="128x128", diameter=20.0, out=str(out))
    assert not out.exists()
