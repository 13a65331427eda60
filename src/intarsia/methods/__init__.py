"""Methods: networks with three verbs, forward, losses and decode."""

from intarsia.methods.combinatorial import CombinatorialConfig, CombinatorialPanoptic
from intarsia.methods.discriminative import DiscriminativeConfig, DiscriminativeEmbedding
from intarsia.methods.hierarchical import HierarchicalConfig, HierarchicalEmbedding
from intarsia.methods.load import METHODS
from intarsia.methods.method import AbstractMethod
from intarsia.methods.panoptic_deeplab import PanopticDeepLab, PanopticDeepLabConfig
from intarsia.methods.panoptic_fpn import PanopticFpn, PanopticFpnConfig
from intarsia.methods.unified import UnifiedPanoptic
from intarsia.methods.unified_config import UnifiedConfig

__all__ = [
    "METHODS",
    "AbstractMethod",
    "CombinatorialConfig",
    "CombinatorialPanoptic",
    "DiscriminativeConfig",
    "DiscriminativeEmbedding",
    "HierarchicalConfig",
    "HierarchicalEmbedding",
    "PanopticDeepLab",
    "PanopticDeepLabConfig",
    "PanopticFpn",
    "PanopticFpnConfig",
    "UnifiedConfig",
    "UnifiedPanoptic",
]
