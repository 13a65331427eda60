"""The files of a model's folder that need no torch: settings, categories, the exported network."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from intarsia._check import fail
from intarsia.configs import from_dict
from intarsia.errors import InputError
from intarsia.panoptic import Categories
from intarsia.pictures.intake import Intake

__all__ = ["FORMAT", "ModelFolder"]

FORMAT = 1
"""Version of the folder's layout; another is refused."""


@dataclass(frozen=True)
class ModelFolder:
    """A folder with a saved model.

    It has `config.json`, `categories.json`, `model.safetensors` and, for prediction without torch,
    `model.onnx`.
    """

    path: Path

    @property
    def network(self) -> Path:
        """The exported network, whether it is there or not."""
        return self.path / "model.onnx"

    @property
    def weights(self) -> Path:
        """The weights that training goes on from."""
        return self.path / "model.safetensors"

    def settings(self) -> dict[str, Any]:
        """The content of `config.json`.

        Raises:
            ValueError: The file is missing or broken, or of another version.
        """
        path = self.path / "config.json"
        content = read_json(path)
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            version = content.get("format", "none") if isinstance(content, dict) else type(content).__name__
            by = f" (written by intarsia {content['intarsia']})" if "intarsia" in content else ""
            fail(str(path), f"a model of format {FORMAT}", f"format {version}{by}")
        return content

    def prediction(self) -> Mapping[str, Any] | None:
        """How its exported network is used; None where it has none."""
        return self.settings().get("prediction") if self.network.is_file() else None

    def intake(self) -> Intake:
        """Which page and channels of a picture the model sees, and in what size.

        Raises:
            ValueError: `config.json` is missing or broken.
        """
        try:
            return from_dict(Intake, self.settings().get("intake", {}))
        except InputError as error:
            raise InputError(f"In {self.path / 'config.json'}: {error}") from error

    def categories(self) -> Categories:
        """What the model tells apart.

        Raises:
            ValueError: The file is missing or broken.
        """
        path = self.path / "categories.json"
        content = read_json(path)
        try:
            return Categories.from_coco(content)
        except InputError as error:
            raise InputError(f"In {path}: {error}") from error


def read_json(path: Path) -> Any:
    """The content of one of a model's files.

    Raises:
        ValueError: It is missing or no JSON.
    """
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        return fail(str(path), "a file of a saved model", "no such file")
    except (OSError, ValueError) as error:
        return fail(str(path), "a readable JSON file", f"one that is not ({error})")
