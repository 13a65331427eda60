"""What turns a backbone's features into one map at the finest stride: the choice of decoder."""

from __future__ import annotations

from intarsia.nets.backbone import Backbone
from intarsia.nets.decoder_config import DecoderConfig
from intarsia.nets.deeplab_decoder import DeepLabDecoder
from intarsia.nets.fpn_decoder import FpnDecoder
from intarsia.nets.mlp_decoder import MlpDecoder
from intarsia.nets.no_decoder import NoDecoder
from intarsia.nets.unet_decoder import UnetDecoder

__all__ = ["build_decoder"]

DECODERS = {
    "deeplab": DeepLabDecoder,
    "fpn": FpnDecoder,
    "mlp": MlpDecoder,
    "none": NoDecoder,
    "unet": UnetDecoder,
}


def build_decoder(
    config: DecoderConfig, backbone: Backbone
) -> DeepLabDecoder | FpnDecoder | MlpDecoder | NoDecoder | UnetDecoder:
    """The decoder that a config describes, for the features of a backbone.

    Example:
        >>> from intarsia.nets import BackboneConfig
        >>> build_decoder(DecoderConfig(width=32), Backbone(BackboneConfig(name="lcnet_050"))).channels
        32
    """
    return DECODERS[config.kind](config, backbone.strides, backbone.channels)
