"""Networks: timm backbones cut open, decoders to stride 4, and heads."""

from intarsia.nets.affinity_config import AffinityHeadConfig
from intarsia.nets.affinity_head import AffinityHead
from intarsia.nets.affinity_maps import AffinityMaps
from intarsia.nets.backbone import Backbone, BackboneConfig
from intarsia.nets.class_means import ClassMeans, ClassMeansConfig, MeanSource, nearest_mean_logits
from intarsia.nets.cut_costs import CutCosts
from intarsia.nets.decoder import build_decoder
from intarsia.nets.decoder_config import DecoderConfig
from intarsia.nets.deeplab_decoder import DeepLabDecoder
from intarsia.nets.detection_heads import DetectionConfig
from intarsia.nets.detections import arrays_of, true_detections
from intarsia.nets.detector import Detector
from intarsia.nets.fpn_decoder import FpnDecoder, FpnPyramid
from intarsia.nets.heads import ConvHead, EmbeddingHead, EmbeddingHeadConfig, HeadLayers
from intarsia.nets.mlp_decoder import MlpDecoder
from intarsia.nets.shared_decoder import SharedDecoder, SharedDecoderConfig
from intarsia.nets.unet_decoder import UnetDecoder

AFFINITY_HEADS = {"differences": AffinityHead, "maps": AffinityMaps}
"""The affinity heads by their `kind`. One more is a file like that of `AffinityMaps`, and a line here."""

__all__ = [
    "AFFINITY_HEADS",
    "AffinityHead",
    "AffinityHeadConfig",
    "AffinityMaps",
    "Backbone",
    "BackboneConfig",
    "ClassMeans",
    "ClassMeansConfig",
    "ConvHead",
    "CutCosts",
    "DecoderConfig",
    "DeepLabDecoder",
    "DetectionConfig",
    "Detector",
    "EmbeddingHead",
    "EmbeddingHeadConfig",
    "FpnDecoder",
    "FpnPyramid",
    "HeadLayers",
    "MeanSource",
    "MlpDecoder",
    "SharedDecoder",
    "SharedDecoderConfig",
    "UnetDecoder",
    "arrays_of",
    "build_decoder",
    "nearest_mean_logits",
    "true_detections",
]
