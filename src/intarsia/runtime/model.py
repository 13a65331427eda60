"""A trained model as people use it: images of any kind and size in, panoptic maps out."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from itertools import groupby
from typing import Any, TypeAlias, overload

from intarsia._check import check_least, fail
from intarsia._summary import AbstractWithSummary
from intarsia._threads import results_in_order
from intarsia.decoding.decoder import AbstractDecoder
from intarsia.decoding.given_semantics import with_semantics
from intarsia.decoding.image_view import ImageView
from intarsia.decoding.stack import stack_maps
from intarsia.panoptic import Categories, PanopticMap
from intarsia.pictures.image_like import ImageLike, Pixels, as_pixels
from intarsia.pictures.intake import AS_IT_IS, Intake
from intarsia.pictures.reading import Readable
from intarsia.runtime.diameter import ALIKE, Diameter, factor_of_picture, predict_at_diameter, rescale
from intarsia.runtime.given_semantics import ImageWithSemantics, without_semantics
from intarsia.runtime.network import AbstractNetwork
from intarsia.runtime.picture_views import Follow, PictureViews
from intarsia.runtime.spec import NetworkSpec

__all__ = ["Model"]

Several: TypeAlias = Sequence[ImageLike | ImageWithSemantics] | Iterator[ImageLike | ImageWithSemantics]
"""Images in a list, a tuple or an iterator; as a sequence, so that a list of arrays is one of images."""

_WAITING = 2
"""Maps that may be in decoding while the network goes on: bounds the memory."""


class Model(AbstractWithSummary):
    """A network, what it needs to be fed, and what decodes its answers. `intarsia.load` gives one.

    Attributes:
        categories: What it tells apart.
        network: What computes; `network.description` says where.
        spec: How images are made ready.

    Example:
        >>> import intarsia
        >>> import numpy as np
        >>> model = intarsia.load("facades")
        >>> model.predict(np.zeros((40, 50, 3), np.uint8)).size
        (40, 50)
    """

    def __init__(
        self,
        network: AbstractNetwork,
        decoder: AbstractDecoder,
        categories: Categories,
        spec: NetworkSpec,
        *,
        intake: Intake = AS_IT_IS,
    ) -> None:
        """Put the parts together.

        Args:
            network: What computes the arrays of an image.
            decoder: From the arrays of one look of the network to a map.
            categories: What it tells apart.
            spec: How images are made ready.
            intake: As the attribute.

        Raises:
            ValueError: As where the intake is set.
        """
        self.network = network
        self.categories = categories
        self.spec = spec
        self._decoder = decoder
        self.intake = intake

    @property
    def intake(self) -> Intake:
        """Which channels of files it sees, in what size and at what scales; as in training, and may be set.

        Maps have the image's own size, views that of the intake.

        Raises:
            ValueError: It is set to a second look of a model that cannot say at what scale, or to scales of
                which the decoder can make no one answer.
        """
        return self._intake

    @intake.setter
    def intake(self, intake: Intake) -> None:
        if intake.second_look and self.spec.diameter_px is None:
            whose = "left to models that know how large their things were in training"
            fail("second_look", whose, intake.second_look)
        self._decoder.at_scales(intake.scales)
        self._intake = intake

    @property
    def decoder(self) -> AbstractDecoder:
        """From what the network says at the scales of the intake to a map."""
        return self._decoder.at_scales(self.intake.scales)

    @property
    def title(self) -> str:
        """What runs it, and where."""
        return f"Model by {self.network.description}"

    @property
    def stride(self) -> int:
        """Pixels between neighbours on the grid of the network's answers."""
        return self.spec.stride

    @property
    def device(self) -> str:
        """Where the network runs: "cpu" or "cuda"."""
        return self.network.device

    @property
    def method(self) -> Any:
        """The trainable module behind a model that torch runs.

        Raises:
            ValueError: Something else runs it.
        """
        method = getattr(self.network, "method", None)
        if method is None:
            fail("model", "run by torch", self.network.description, hint="Load it with backend='torch'.")
        return method

    @overload
    def predict(  # pyright: ignore[reportOverlappingOverload] - an open file iterates, and is one image
        self, image: ImageLike | ImageWithSemantics, *, batch: int = 1, diameter: Diameter | None = None
    ) -> PanopticMap: ...
    @overload
    def predict(
        self, image: Several, *, batch: int = 1, diameter: Diameter | None = None
    ) -> list[PanopticMap]: ...
    def predict(
        self,
        image: ImageLike | ImageWithSemantics | Several,
        *,
        batch: int = 1,
        diameter: Diameter | None = None,
    ) -> PanopticMap | list[PanopticMap]:
        """The panoptic map of one image, or of each of several.

        Args:
            image: Whatever `intarsia.pictures.as_image` takes: a path, bytes, an open file, a Pillow image,
                an array, a tensor; one of these as `ImageWithSemantics`, whose categories are given; or a
                list, tuple or iterator of these.
            batch: How many neighbours of one size run through the network at once where that is faster, on a
                GPU. Images of different sizes never share a batch, so that no image changes another's result.
            diameter: How large the things are, in pixels: the network sees the image at the scale at which
                they are as large as in its training. "auto" finds it from a first look at each image. None
                takes images as they are, unless the model's `intake.second_look` says otherwise.

        Returns:
            A map of each image's own size; a list for several, whatever they came in.

        Raises:
            ValueError: An image cannot be read, or `diameter` is out of range or not for this model.
        """
        check_least("batch", batch, 1)
        if not _is_one(image):
            return list(self.predict_each(image, batch=batch, diameter=diameter))  # pyright: ignore[reportArgumentType]
        [panoptic_map] = self.predict_each([image], batch=batch, diameter=diameter)  # pyright: ignore[reportArgumentType]
        return panoptic_map

    def predict_each(
        self,
        images: Iterable[ImageLike | ImageWithSemantics],
        *,
        batch: int = 1,
        follow: Follow | None = None,
        diameter: Diameter | None = None,
    ) -> Iterator[PanopticMap]:
        """The maps of images one after the other; the network goes on while a map is decoded.

        Args:
            images: As `predict` takes them; a generator is read no further than needed.
            batch: As in `predict`.
            follow: As in `view`.
            diameter: As in `predict`.
        """
        for has_semantics, run in groupby(images, lambda image: isinstance(image, ImageWithSemantics)):
            if diameter is None and (has_semantics or not self.intake.second_look):
                yield from self._maps(run, self.intake, batch=batch, follow=follow)
                continue
            yield from predict_at_diameter(
                lambda pictures: self._maps(pictures, AS_IT_IS, batch=batch, follow=follow),
                (self.picture(without_semantics(image)) for image in run),
                "auto" if diameter is None else diameter,
                trained_px=self.spec.diameter_px,
                categories=self.categories,
                alike=self._alike(diameter),
            )

    def _alike(self, diameter: Diameter | None) -> float:
        """From which factor on a second look is taken: the model's own where nobody says a diameter."""
        return self.intake.second_look if diameter is None else ALIKE

    def _maps(
        self,
        images: Iterable[ImageLike | ImageWithSemantics],
        intake: Intake,
        *,
        batch: int,
        follow: Follow | None,
    ) -> Iterator[PanopticMap]:
        """The maps of images that the network sees as this intake says."""
        images_of_views: deque[tuple[ImageLike | ImageWithSemantics, tuple[int, int]]] = deque()

        def resized_pictures() -> Iterator[Pixels]:
            for image in images:
                picture = self.picture(image.image if isinstance(image, ImageWithSemantics) else image)
                images_of_views.append((image, (picture.shape[0], picture.shape[1])))
                yield intake.resize(picture)

        # each view with the image that it is of; the network goes on while maps are decoded
        views = self._pictures.of_each(resized_pictures(), batch=batch, follow=follow)
        pairs = ((view, *images_of_views.popleft()) for view in views)
        results = results_in_order(
            lambda pair: self._decode(*pair), pairs, workers=_WAITING, most_waiting=_WAITING + 1
        )
        with closing(results):
            for _, panoptic_map in results:
                yield panoptic_map

    def predict_stack(self, pages: Iterable[ImageLike], *, batch: int = 1) -> list[PanopticMap]:
        """The maps of the pages of a stack by one cut over all of them; things keep their ids through it.

        Args:
            pages: Of one size, in order, each as `predict` takes it. What the network says of all of them is
                held in memory.
            batch: As in `predict`.

        Raises:
            ValueError: A page cannot be read or has another size, or the method knows no costs of pairs.
        """
        sizes: list[tuple[int, int]] = []

        def resized_pictures() -> Iterator[Pixels]:
            for page in pages:
                picture = self.picture(page)
                sizes.append((picture.shape[0], picture.shape[1]))
                yield self.intake.resize(picture)

        views = [
            self.decoder.cut_view(view, self.categories)
            for view in self._pictures.of_each(resized_pictures(), batch=batch)
        ]
        maps = stack_maps(views, self.categories, config=self.decoder.cut_config)
        return [page_map.resized(*size) for page_map, size in zip(maps, sizes, strict=True)]

    def picture(self, image: ImageLike) -> Pixels:
        """The pixels of an image, of the page and with the channels of the intake, in its own size.

        Args:
            image: As `predict` takes it; an array has no other pages and channels than it shows.
        """
        if not isinstance(image, Readable):
            return as_pixels(image)
        return as_pixels(image, channel=self.intake.channel or None, page=self.intake.page)

    def view(
        self, image: ImageLike, *, follow: Follow | None = None, diameter: Diameter | None = None
    ) -> ImageView:
        """What the network says about one image, in the size in which the intake shows it.

        Args:
            image: As `predict` takes it.
            follow: Goes over the tiles of a large image; to show how far the work is.
            diameter: Of the things, as in `predict`, which then says the size.

        Raises:
            ValueError: As `predict`.
        """
        picture = self.picture(image)
        if diameter is None and not self.intake.second_look:
            return self._pictures.of_one(self.intake.resize(picture), follow)
        factor = factor_of_picture(
            lambda pictures: self._maps(pictures, AS_IT_IS, batch=1, follow=follow),
            picture,
            "auto" if diameter is None else diameter,
            trained_px=self.spec.diameter_px,
            categories=self.categories,
            alike=self._alike(diameter),
        )
        return self._pictures.of_one(picture if factor == 1 else rescale(picture, factor), follow)

    def views(
        self, images: Iterable[ImageLike], *, batch: int = 1, follow: Follow | None = None
    ) -> Iterator[ImageView]:
        """What the network says about each of several images, in order; none is looked at twice.

        Args:
            images: Whatever `predict` takes.
            batch: How many neighbours of one size run at once, as in `predict`; 1, since a CPU gains nothing.
            follow: Told how far the tiles of a large image are.
        """
        seen = (self.intake.resize(self.picture(image)) for image in images)
        return self._pictures.of_each(seen, batch=batch, follow=follow)

    def decode(self, view: ImageView) -> PanopticMap:
        """The panoptic map of what the network said."""
        return self.decoder.decode(view, self.categories)

    def check_takes_semantics(self) -> None:
        """Refuse a model that can do nothing with the categories of another network.

        Raises:
            ValueError: Its categories are no answer of their own that could be replaced.
        """
        if not self.decoder.takes_semantics:
            got = f"one decoded by {type(self.decoder).__name__}"
            hint = "`facades-embedding` is one, and what `discriminative-*` recipes train."
            fail("model", "one that groups pixels whose categories are given", got, hint=hint)

    def _decode(
        self, view: ImageView, image: ImageLike | ImageWithSemantics, size: tuple[int, int]
    ) -> PanopticMap:
        """The map in the image's own size, of the categories that are given with it."""
        if isinstance(image, ImageWithSemantics):
            self.check_takes_semantics()
            view = with_semantics(view, image.resize(size, view.size), self.categories)
        seen = self.decode(view)
        return seen if seen.size == size else seen.resized(*size)

    @property
    def _pictures(self) -> PictureViews:
        return PictureViews(self.network, self.spec, self._decoder, self.intake.scales)


def _is_one(image: object) -> bool:
    """Whether this is an image and not several: a file is iterable, too."""
    several = isinstance(image, list | tuple | Iterator) and not hasattr(image, "read")
    return not several
