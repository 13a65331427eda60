"""Packages that share their name with a command: `intarsia.cut` holds the solvers and is the command, too."""

from __future__ import annotations

import importlib
import inspect
import sys
from types import ModuleType
from typing import Any

__all__ = ["is_also_command"]


class CommandPackage(ModuleType):
    """A package that can be called; the command behind it is imported when it is needed."""

    command: str

    def __call__(self, *args: Any, **options: Any) -> Any:
        """What the command returns."""
        return self._function(*args, **options)

    @property
    def __signature__(self) -> inspect.Signature:
        return inspect.signature(self._function)

    @property
    def _function(self) -> Any:
        module, _, name = self.command.partition(":")
        return getattr(importlib.import_module(module), name)


def is_also_command(package: str, command: str) -> None:
    """Let a package answer to a call, as the command of its name does.

    Args:
        package: The package's `__name__`.
        command: The function behind it, as "module:function".
    """
    module = sys.modules[package]
    module.__class__ = CommandPackage
    vars(module)["command"] = command
