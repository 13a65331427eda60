"""Networks: timm backbones cut open, decoders to stride 4, and heads."""

from intarsia.nets.affinity_head import AffinityHead, AffinityHeadConfig
from intarsia.nets.backbone import Backbone, BackboneConfig
from intarsia.nets.class_means import ClassMeans, MeanSource, nearest_mean_logits
from intarsia.nets.cut_costs import CutCosts
from intarsia.nets.decoder import DecoderConfig, build_decoder
from intarsia.nets.deeplab_decoder import DeepLabDecoder
from intarsia.nets.detection_heads import DetectionConfig
from intarsia.nets.detections import Detections
from intarsia.nets.detector import Detector
from intarsia.nets.fpn_decoder import FpnDecoder, FpnPyramid
from intarsia.nets.heads import ConvHead, EmbeddingHead, EmbeddingHeadConfig
from intarsia.nets.mlp_decoder import MlpDecoder
from intarsia.nets.shared_decoder import SharedDecoder, SharedDecoderConfig

__all__ = [
    "AffinityHead",
    "AffinityHeadConfig",
    "Backbone",
    "BackboneConfig",
    "ClassMeans",
    "ConvHead",
    "CutCosts",
    "DecoderConfig",
    "DeepLabDecoder",
    "DetectionConfig",
    "Detections",
    "Detector",
    "EmbeddingHead",
    "EmbeddingHeadConfig",
    "FpnDecoder",
    "FpnPyramid",
    "MeanSource",
    "MlpDecoder",
    "SharedDecoder",
    "SharedDecoderConfig",
    "build_decoder",
    "nearest_mean_logits",
]
