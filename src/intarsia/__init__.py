"""Intarsia: panoptic segmentation, bottom-up and trained end to end."""

from importlib.metadata import version as _version

__version__ = _version("intarsia")
