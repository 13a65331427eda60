"""Exact evaluation of panoptic maps, in memory or on disk; no torch."""

from intarsia.metrics.boundary_quality import BoundaryQuality
from intarsia.metrics.cityscapes_ap import CityscapesAP
from intarsia.metrics.coco_ap import CocoAP
from intarsia.metrics.crowding import RecallByCrowding
from intarsia.metrics.error_breakdown import ErrorBreakdown
from intarsia.metrics.folders import evaluate_folders
from intarsia.metrics.image_table import ImageTable
from intarsia.metrics.leaf_count import LeafCount
from intarsia.metrics.match_histogram import MatchHistogram
from intarsia.metrics.measures import Request
from intarsia.metrics.near_ap import evaluate_near
from intarsia.metrics.panoptic_quality import PanopticQuality
from intarsia.metrics.quality_report import QualityReport
from intarsia.metrics.score_curves import ScoreCurves
from intarsia.metrics.semantic_iou import SemanticIoU
from intarsia.metrics.temporal import TemporalConsistency, embedding_drift
from intarsia.metrics.video_quality import SegmentationTrackingQuality, VideoPanopticQuality

__all__ = [
    "BoundaryQuality",
    "CityscapesAP",
    "CocoAP",
    "ErrorBreakdown",
    "ImageTable",
    "LeafCount",
    "MatchHistogram",
    "PanopticQuality",
    "QualityReport",
    "RecallByCrowding",
    "Request",
    "ScoreCurves",
    "SegmentationTrackingQuality",
    "SemanticIoU",
    "TemporalConsistency",
    "VideoPanopticQuality",
    "embedding_drift",
    "evaluate_folders",
    "evaluate_near",
]
