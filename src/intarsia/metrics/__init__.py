"""Exact evaluation of panoptic maps, in memory or on disk; no torch."""

from intarsia.metrics.folders import evaluate_folders
from intarsia.metrics.panoptic_quality import PanopticQuality
from intarsia.metrics.quality_report import QualityReport

__all__ = ["PanopticQuality", "QualityReport", "evaluate_folders"]
