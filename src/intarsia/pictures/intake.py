"""What of a picture a network is shown: which page and channels of its file, and in what size."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, UInt8

from intarsia._check import fail
from intarsia.pictures.image_like import Pixels
from intarsia.pictures.input_size import InputSize

__all__ = ["AS_IT_IS", "Intake"]


@dataclass(frozen=True)
class Intake:
    """How a model takes pictures in; it is saved with the model, so that prediction does as training did.

    Attributes:
        channel: Channels of a file to show as gray, or as red, green and blue; empty for a picture's colours.
        size: As `InputSize` has it; "" for a picture's own. Maps have the picture's own size always.
        page: Which page of a file of several; None for the only one of a file.
        second_look: By which factor things must be found smaller or larger than in training for a picture to
            be seen again at another scale, where nobody says one (`runtime.diameter`); 0 is for never.
        scales: At how many times its size the picture is seen, 1 among them; what is said at all of them
            makes one answer (`decoding.scales`).

    Raises:
        ValueError: There are more than three channels, one or the page is negative, the size is none, or it
            stands beside a second look; that is from a factor on that is none; or the scales are no powers
            of 2 that rise from 1 on.

    Example:
        >>> Intake(size="8x4").resize(np.zeros((9, 9, 3), np.float32)).shape
        (4, 8, 3)
    """

    channel: tuple[int, ...] = ()
    size: str = ""
    page: int | None = None
    second_look: float = 0.0
    scales: tuple[int, ...] = (1,)

    def __post_init__(self) -> None:
        """Refuse what no picture has."""
        if len(self.channel) > 3 or any(number < 0 for number in self.channel):
            fail("channel", "up to three numbers from 0", self.channel)
        if self.page is not None and self.page < 0:
            fail("page", "a number from 0", self.page)
        if self.second_look and not 1 < self.second_look < math.inf:
            fail("second_look", "0 or a factor above 1", self.second_look)
        if self.size and self.second_look:
            fail("size", "left out where `second_look` says at what scale images are seen", self.size)
        are_powers = all(scale > 0 and scale.bit_count() == 1 for scale in self.scales)
        if self.scales[:1] != (1,) or list(self.scales) != sorted(set(self.scales)) or not are_powers:
            fail("scales", "powers of 2 that rise from 1 on, as 1 and 2", ", ".join(map(str, self.scales)))
        InputSize(self.size)

    def with_options(
        self,
        channel: tuple[int, ...],
        size: str | None,
        page: int | None = None,
        *,
        scales: tuple[int, ...] = (),
    ) -> Intake:
        """This one with what a command was told; no channels or scales, and None for others, leave its own.

        Args:
            channel: Channels of files, for this time.
            size: The size in which the network sees images, for this time; "" is their own, without a
                second look.
            page: Which page of a file of several, for this time.
            scales: At how many times its size a picture is seen, for this time.

        Example:
            >>> Intake((2,), "8x4").with_options((), "16x8")
            Intake(channel=(2,), size='16x8', page=None, second_look=0.0, scales=(1,))
        """
        return Intake(
            channel=channel or self.channel,
            size=self.size if size is None else size,
            page=self.page if page is None else page,
            second_look=self.second_look if size is None else 0.0,
            scales=scales or self.scales,
        )

    def resize(self, picture: Pixels) -> UInt8[np.ndarray, "h2 w2 3"] | Float32[np.ndarray, "h2 w2 3"]:
        """The picture in the size that the network sees, of bytes where that is another."""
        size = InputSize(self.size)
        if size.of(*picture.shape[:2]) == picture.shape[:2]:
            return picture
        is_bytes = picture.dtype == np.uint8
        return size.resized(picture if is_bytes else np.rint(picture * 255).astype(np.uint8))


AS_IT_IS = Intake()
"""A picture's colours in its own size."""
