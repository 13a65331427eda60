"""Where pictures and their results stand for a while: the ones used last, within a bound on memory."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock
from typing import NamedTuple

from intarsia._check import fail
from intarsia.decoding.insight import Inside
from intarsia.panoptic import PanopticMap
from intarsia.runtime.diameter import Diameter
from intarsia.serve.uploads import Picture

__all__ = ["Shelf", "Sight", "Sitting"]


class Sight(NamedTuple):
    """How a picture is looked at: by which model, and for things of which diameter in pixels."""

    model: int
    diameter: Diameter | None = None


@dataclass(eq=False)
class Sitting:
    """One picture and what was seen in it, the latest last."""

    picture: Picture
    maps: dict[Sight, PanopticMap] = field(default_factory=dict)
    insides: dict[Sight, Inside] = field(default_factory=dict)

    @property
    def num_bytes(self) -> int:
        """Memory of the arrays."""
        maps = sum(item.ids.nbytes for item in self.maps.values())
        return self.picture.num_bytes + maps + sum(item.num_bytes for item in self.insides.values())

    def forget(self) -> bool:
        """Drop what was seen first, if there is something newer; it can be seen again."""
        for seen in (self.insides, self.maps):
            if len(seen) > 1:
                del seen[next(iter(seen))]  # pyright: ignore[reportArgumentType]
                return True
        return False


class Shelf:
    """The sittings used last. The oldest make room; nobody finds them who does not know their token.

    Example:
        >>> Shelf(max_bytes=0).of("nothing")
        Traceback (most recent call last):
            ...
        intarsia.errors.InputError: `picture` must be one that is still here, got an old one. Drop it again.
    """

    def __init__(self, *, max_bytes: int) -> None:
        """Keep at most this many bytes, and always the newest."""
        self.max_bytes = max_bytes
        self._sittings: OrderedDict[str, Sitting] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._sittings)

    @property
    def num_bytes(self) -> int:
        """Memory of all sittings."""
        return sum(sitting.num_bytes for sitting in self._sittings.values())

    def put(self, picture: Picture) -> str:
        """Keep a picture; returns its token."""
        token = secrets.token_urlsafe(16)
        with self._lock:
            self._sittings[token] = Sitting(picture)
            self._make_room()
        return token

    def of(self, token: str) -> Sitting:
        """The sitting of a token, which is now the newest.

        Raises:
            ValueError: It made room for others, or never was.
        """
        with self._lock:
            if token not in self._sittings:
                fail("picture", "one that is still here", "an old one", hint="Drop it again.")
            self._sittings.move_to_end(token)
            return self._sittings[token]

    def settle(self) -> None:
        """Make room after a sitting has grown."""
        with self._lock:
            self._make_room()

    def _make_room(self) -> None:
        while len(self._sittings) > 1 and self.num_bytes > self.max_bytes:
            self._sittings.popitem(last=False)
        # one picture alone may be looked at for any number of diameters
        while self.num_bytes > self.max_bytes and next(iter(self._sittings.values())).forget():
            pass
