"""The cut inside a network, differentiable or in tensor operations; panoptic potentials and affinities."""

from intarsia.layers.cut_indicators import CutIndicatorLayer, CutIndicators
from intarsia.layers.cut_layer import CutLayer
from intarsia.layers.dynamic_potential import dynamic_potential
from intarsia.layers.instance_affinity import DenseInstanceAffinity
from intarsia.layers.mask_pasting import inside_boxes, pasted_masks
from intarsia.layers.panoptic_masks import PanopticMasks, PanopticTruth
from intarsia.layers.parallel_cut import ParallelCut, parallel_cut
from intarsia.layers.perturbation import Perturbation
from intarsia.layers.scale_free_costs import scale_free_costs

__all__ = [
    "CutIndicatorLayer",
    "CutIndicators",
    "CutLayer",
    "DenseInstanceAffinity",
    "PanopticMasks",
    "PanopticTruth",
    "ParallelCut",
    "Perturbation",
    "dynamic_potential",
    "inside_boxes",
    "parallel_cut",
    "pasted_masks",
    "scale_free_costs",
]
