"""Takes TCP connections at one address and passes them on to another: `HOST:PORT=HOST:PORT …`."""

import contextlib
import socket
import sys
import threading

_CHUNK_BYTES = 65536


def forward(listener: socket.socket, target: tuple[str, int]) -> None:
    """Pass on every connection; the target's refusal closes the one that asked."""
    while True:
        caller, _ = listener.accept()
        try:
            called = socket.create_connection(target)
        except OSError:
            caller.close()
            continue
        for pair in ((caller, called), (called, caller)):
            threading.Thread(target=_copy, args=pair, daemon=True).start()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(_CHUNK_BYTES):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)


if __name__ == "__main__":
    for pair in sys.argv[1:]:
        here, there = map(_address, pair.split("="))
        server = socket.create_server(here, backlog=128)
        threading.Thread(target=forward, args=(server, there)).start()
