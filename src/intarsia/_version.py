"""The version, for what is written into files: the package's face hands it on."""

from importlib.metadata import version

__version__ = version("intarsia")
