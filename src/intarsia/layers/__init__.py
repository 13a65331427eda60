"""The cut inside a network, differentiable or in tensor operations; panoptic potentials and affinities."""

from intarsia.layers._dynamic_potential import Variant, dynamic_potential
from intarsia.layers._parallel_cut import ParallelCut, parallel_cut
from intarsia.layers._scale_free_costs import scale_free_costs
from intarsia.layers.cut_indicators import CutIndicatorLayer, CutIndicators
from intarsia.layers.cut_layer import CutLayer
from intarsia.layers.instance_affinity import DenseInstanceAffinity, InstanceAffinityConfig
from intarsia.layers.mask_pasting import inside_boxes, pasted_masks
from intarsia.layers.panoptic_masks import PanopticMasks, PanopticTruth
from intarsia.layers.perturbation import Perturbation

__all__ = [
    "CutIndicatorLayer",
    "CutIndicators",
    "CutLayer",
    "DenseInstanceAffinity",
    "InstanceAffinityConfig",
    "PanopticMasks",
    "PanopticTruth",
    "ParallelCut",
    "Perturbation",
    "Variant",
    "dynamic_potential",
    "inside_boxes",
    "parallel_cut",
    "pasted_masks",
    "scale_free_costs",
]
