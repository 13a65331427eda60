"""What the browser talks to: the page, and a few addresses that answer in JSON, pictures and files."""

from __future__ import annotations

import gzip
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from importlib import resources
from typing import Any
from urllib.parse import quote, urlsplit

import anyio
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from intarsia._check import fail
from intarsia.errors import InputError
from intarsia.serve.desk import BusyError, Desk
from intarsia.serve.message import jpeg, map_message, pixel_message
from intarsia.serve.shelf import Sight
from intarsia.serve.takeaway import KINDS

__all__ = ["create_app"]

LOG = logging.getLogger("intarsia.serve")
UPLOAD_SECONDS = 120
LOCAL_NAMES = ("127.0.0.1", "localhost", "::1")
PAGE = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data: blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
Answer = Callable[[Request], Awaitable[Response]]


def create_app(desk: Desk, *, local: bool = True) -> Starlette:
    """The web application around a desk.

    Args:
        desk: Models, pictures and queue.
        local: Answer only to the names of this machine, so that no foreign page reaches it by a name of its
            own that leads here.
    """
    state = _Answers(desk)
    routes = [Route(path, _page(*file), methods=["GET"]) for path, file in PAGE.items()]
    routes += [
        Route(path, _guard(answer), methods=[method])
        for method, path, answer in (
            ("GET", "/api/models", state.models),
            ("POST", "/api/pictures", state.receive),
            ("GET", "/api/pictures/{token}/photo", state.photo),
            ("POST", "/api/pictures/{token}/maps/{model:int}", state.segment),
            ("GET", "/api/pictures/{token}/maps/{model:int}/ids", state.ids),
            ("GET", "/api/pictures/{token}/maps/{model:int}/pixel", state.look),
            ("GET", "/api/pictures/{token}/maps/{model:int}/files/{kind}", state.take),
            ("GET", "/api/pictures/{token}/agreement/{model:int}/{other:int}", state.agreement),
        )
    ]
    middleware = [Middleware(_OwnNamesOnly)] if local else []
    return Starlette(routes=routes, middleware=middleware)


class _OwnNamesOnly:
    """Refuses a name that is not this machine's: a foreign page could let its own name lead here."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            host = Headers(scope=scope).get("host", "")
            with suppress(ValueError):
                if urlsplit(f"//{host}").hostname in LOCAL_NAMES:
                    return await self.app(scope, receive, send)
            return await _refusal("This server answers to 127.0.0.1 only.", 400)(scope, receive, send)
        return await self.app(scope, receive, send)


class _Answers:
    """One method an address."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    async def models(self, request: Request) -> Response:
        limits = self.desk.limits
        models = [
            {
                "name": model.name,
                "categories": model.categories.to_coco(),
                "diameter_px": model.diameter_px,
            }
            for model in self.desk.models
        ]
        return _json(
            {
                "models": models,
                "kinds": list(KINDS),
                "max_bytes": limits.max_bytes,
                "max_pixels": limits.max_pixels,
            }
        )

    async def receive(self, request: Request) -> Response:
        """The body is the file, so that no part of it is parsed before it is measured."""
        name = request.query_params.get("name", "")
        async with self.desk.turn("file"):
            content = await self._body(request)
            token, sitting = await self.desk.receive(content, name)
        height, width = sitting.picture.pixels.shape[:2]
        resolution = sitting.picture.resolution
        size_um = None if resolution is None else resolution.pixel_size_um
        return _json(
            {
                "token": token,
                "name": sitting.picture.name,
                "height": height,
                "width": width,
                "pixel_size_um": size_um,
            }
        )

    async def photo(self, request: Request) -> Response:
        pixels = self.desk.shelf.of(request.path_params["token"]).picture.pixels
        return Response(await anyio.to_thread.run_sync(lambda: jpeg(pixels)), media_type="image/jpeg")

    async def segment(self, request: Request) -> Response:
        sight = _sight(request)
        panoptic_map = await self.desk.segment(request.path_params["token"], sight)
        return _json(map_message(panoptic_map, self.desk.model(sight).categories))

    async def ids(self, request: Request) -> Response:
        """The number of the segment at each pixel, 4 bytes each, row by row, packed."""
        panoptic_map = await self.desk.segment(request.path_params["token"], _sight(request))

        def pack() -> bytes:
            return gzip.compress(panoptic_map.renumbered().ids.astype("<u4").tobytes(), compresslevel=1)

        headers = {"Content-Encoding": "gzip"}
        content = await anyio.to_thread.run_sync(pack)
        return Response(content, media_type="application/octet-stream", headers=headers)

    async def look(self, request: Request) -> Response:
        token, sight = request.path_params["token"], _sight(request)
        pixel = _number(request, "row"), _number(request, "column")
        view = await self.desk.look(token, sight, pixel)
        panoptic_map = await self.desk.segment(token, sight)
        return _json(pixel_message(view, panoptic_map))

    async def agreement(self, request: Request) -> Response:
        other = _sight(request, model="other", diameter="other_diameter")
        agreement = await self.desk.agreement(request.path_params["token"], _sight(request), other)
        return _json({"pq": agreement.pq, "remark": agreement.remark})

    async def take(self, request: Request) -> Response:
        parts = request.path_params
        file = await self.desk.take(parts["token"], _sight(request), parts["kind"])
        headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.file_name, safe='')}"}
        return Response(file.content, media_type=file.media_type, headers=headers)

    async def _body(self, request: Request) -> bytes:
        """The upload, as far as it may go."""
        most, content = self.desk.limits.max_bytes, bytearray()
        with anyio.move_on_after(UPLOAD_SECONDS) as scope:
            async for chunk in request.stream():
                content += chunk
                if len(content) > most:
                    fail("file", f"of at most {most >> 20} MB", "a larger one")
        if scope.cancelled_caught:
            fail("file", f"sent within {UPLOAD_SECONDS} seconds", "a slower one")
        return bytes(content)


def _page(file: str, media_type: str) -> Answer:
    content = (resources.files("intarsia.serve") / "page" / file).read_bytes()

    async def answer(request: Request) -> Response:
        return Response(content, media_type=media_type, headers=HEADERS)

    return answer


def _guard(answer: Answer) -> Answer:
    """Every failure is a sentence; only ours is in the log."""

    async def respond(request: Request) -> Response:
        # another site must not use the browser of who uses this one
        if (origin := request.headers.get("origin")) and urlsplit(origin).netloc != request.headers.get(
            "host"
        ):
            return _refusal("This page is of another site.", 403)
        try:
            response = await answer(request)
        except BusyError as error:
            return _refusal(str(error), 503)
        except InputError as error:
            return _refusal(str(error), 404 if "one that is still here" in str(error) else 400)
        except ClientDisconnect:
            return _refusal("The upload was broken off.", 400)
        except MemoryError:
            return _refusal("The picture is too large for the memory of this machine.", 400)
        # the browser gets a sentence, the log the fault
        except Exception:
            LOG.exception("%s %s", request.method, request.url.path)
            return _refusal("That should not have happened; the server's terminal says what did.", 500)
        response.headers.update(HEADERS)
        return response

    return respond


def _refusal(sentence: str, status: int) -> Response:
    return JSONResponse({"error": sentence}, status_code=status, headers=HEADERS)


def _json(content: Any) -> Response:
    return JSONResponse(content)


def _sight(request: Request, *, model: str = "model", diameter: str = "diameter") -> Sight:
    """The model in the address, and the diameter in its query: pixels, "auto", or nothing."""
    text = request.query_params.get(diameter, "").strip().lower()
    number = request.path_params[model]
    if text in ("", "auto"):
        return Sight(number, "auto" if text else None)
    try:
        return Sight(number, float(text))
    except ValueError:
        return fail("diameter", 'a number of pixels, "auto" or nothing', repr(text[:20]))


def _number(request: Request, name: str) -> int:
    text = request.query_params.get(name, "")
    return (
        int(text) if text.isdecimal() and len(text) < 9 else fail(name, "a whole number from 0", repr(text))
    )
