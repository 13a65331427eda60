"""A trained model as people use it: by name, folder or hub, run by onnxruntime, OpenVINO or torch."""

from intarsia.runtime.find import shipped_models
from intarsia.runtime.loading import load
from intarsia.runtime.model import Model

__all__ = ["Model", "load", "shipped_models"]
