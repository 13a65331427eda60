"""`intarsia serve`: the page on this machine."""

from __future__ import annotations

import ipaddress
import socket
from contextlib import suppress
from typing import Annotated, Literal

import tyro

from intarsia._check import check_least, fail

__all__ = ["serve"]

MAX_WAITING = 16
MAX_CONNECTIONS = 128


def serve(
    models: Annotated[tuple[str, ...], tyro.conf.Positional] = (),
    *,
    host: str = "127.0.0.1",
    port: int = 8765,
    device: Literal["auto", "cpu", "cuda"] = "auto",
    max_megapixels: int = 16,
    memory_mb: int = 1024,
) -> None:
    """Open a page in the browser: drop a picture, see its segments, click a pixel, take the results away.

    Nothing is fetched from elsewhere, and pictures stay in memory until others take their place.

    Args:
        models: Names of models that ship with intarsia, or folders written by training; by default all that
            ship.
        host: Where to listen. By default only this machine can reach the page; there is no password.
        port: Where to listen; 0 takes a free one.
        device: Where the networks run; "auto" takes a GPU if there is one.
        max_megapixels: How large a picture may be, in million pixels; 16, a square of 4000.
        memory_mb: How much memory pictures and results may take, in million bytes; 1024, a gigabyte.

    Raises:
        ValueError: No such model, the address cannot be used, or the extra `serve` is not installed.
    """
    for name, value in (("max_megapixels", max_megapixels), ("memory_mb", memory_mb)):
        check_least(name, value, 1)
    # what only the page needs is loaded here
    try:
        import uvicorn

        from intarsia.serve.app import create_app
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("starlette", "uvicorn", "anyio"):
            raise
        fail("serve", "installed with its extra", "none", hint="pip install 'intarsia[serve]'")
    from intarsia.runtime.find import models_that_run_here
    from intarsia.serve.desk import Desk
    from intarsia.serve.memory import keep_memory_together
    from intarsia.serve.models import served_models
    from intarsia.serve.uploads import Limits

    # models, and how much may wait and be kept
    keep_memory_together()
    desk = Desk(
        served_models(models or tuple(models_that_run_here()), device=device),
        limits=Limits(max_pixels=max_megapixels * 1_000_000),
        max_bytes=memory_mb * 1_000_000,
        max_waiting=MAX_WAITING,
    )
    local = _is_loopback(host)
    # the port is taken before its address is printed
    with _listening(host, port) as listener:
        print(f"Intarsia is at {_address(listener)} (stop it with Ctrl-C)", flush=True)
        if not local:
            print("Everyone who can reach this machine can use it: there is no password.", flush=True)
        config = uvicorn.Config(
            create_app(desk, local=local),
            log_level="warning",
            limit_concurrency=MAX_CONNECTIONS,
            timeout_keep_alive=5,
        )
        uvicorn.Server(config).run(sockets=[listener])


def _listening(host: str, port: int) -> socket.socket:
    """A socket that listens, so that what is wrong with the address is told before anything is said."""
    if not 0 <= port < 1 << 16:
        fail("port", "in [0, 65536)", port)
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(place)
            listener.listen(MAX_CONNECTIONS)
        except OSError:
            listener.close()
            raise
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return fail("host", "an address of this machine with a free port", f"{host}:{port} ({reason})")
    return listener


def _is_loopback(host: str) -> bool:
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{host}:{port}/"
