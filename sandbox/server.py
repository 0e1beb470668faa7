"""Runs WSGI applications on loopback ports, in threads of this process."""

import socket
import threading
import time
from collections.abc import Callable
from typing import Any, Self
from wsgiref.types import WSGIApplication

from waitress.server import create_server

HOST = "127.0.0.1"
_THREADS = 24
"""More than any test's clients at once: a held request occupies a thread."""
_READY_SECONDS = 0.2
"""How long a request may count as in flight once it was answered: its connection is idle then, and closed."""


class RunningServer:
    """One application on one free port, from construction until `stop`."""

    def __init__(self, app: WSGIApplication, *, name: str) -> None:
        """Bind, then serve in the background.

        Raises:
            OSError: no port could be bound.
        """
        # Its own map: waitress's default one is shared by every server of the process.
        self._map: dict[int, Any] = {}
        self._server = create_server(
            app,
            host=HOST,
            port=0,
            threads=_THREADS,
            # The AWS providers of a fleet keep some each; at waitress's hundred, new ones wait.
            connection_limit=2000,
            map=self._map,
            ident=None,
            # Off, an OSError from the application closes the connection: see ConnectionCut.
            log_socket_errors=False,
        )
        self._thread = threading.Thread(target=self._server.run, name=f"sandbox-{name}", daemon=True)
        self._thread.start()
        self._is_listening = threading.Event()
        self._is_listening.set()
        self._reopening: threading.Timer | None = None

    @property
    def url(self) -> str:
        """Scheme, host and port, without a slash at the end."""
        return f"http://{HOST}:{self._server.effective_port}"

    def refuse(self, seconds: float) -> None:
        """Stop listening for so long: who connects is refused, as if nothing ran here.

        Requests in flight are answered and their connections closed; idle connections are closed at once.
        Returns when the port is closed. May be called by a request's own thread, before it answers.
        """
        if not self._is_listening.is_set():
            return
        self._is_listening.clear()
        self._in_loop(self._close_port)
        deadline = time.monotonic() + _READY_SECONDS
        while not self._is_idle() and time.monotonic() < deadline:
            time.sleep(_READY_SECONDS / 20)
            self._in_loop(self._close_connections)
        self._reopening = threading.Timer(seconds, lambda: self._in_loop(self._open_port))
        self._reopening.daemon = True
        self._reopening.start()

    def wait_until_listening(self, seconds: float) -> bool:
        """Whether a refusal is over, waiting so long for its end."""
        return self._is_listening.wait(seconds)

    def _in_loop(self, action: Callable[[], None]) -> None:
        """Run an action on the server's own thread, between two rounds of its select, and wait for it."""
        is_done = threading.Event()

        def act() -> None:
            action()
            is_done.set()

        self._server.trigger.pull_trigger(act)
        is_done.wait(10)

    def _close_port(self) -> None:
        server = self._server
        server.del_channel()
        server.socket.close()
        self._close_connections()

    def _is_idle(self) -> bool:
        return not any(channel.requests for channel in list(self._server.active_channels.values()))

    def _close_connections(self) -> None:
        for channel in list(self._server.active_channels.values()):
            if channel.requests:
                # As if the client had asked for it: the answer says "Connection: close".
                channel.requests[0].headers["CONNECTION"] = "close"
            else:
                channel.handle_close()

    def _open_port(self) -> None:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.settimeout(0)
        listener.bind((HOST, int(self._server.effective_port)))
        self._server.set_socket(listener)
        self._server.accept_connections()
        self._is_listening.set()

    def stop(self) -> None:
        """Close all sockets and wait for the threads; a second call does nothing."""
        if not self._thread.is_alive():
            return
        if self._reopening is not None:
            self._reopening.cancel()
        # Closing sockets from this thread would race the loop's select: the loop forgets them itself,
        # finds none left, and ends.
        sockets: list[Any] = []

        def forget() -> None:
            sockets.extend(self._map.values())
            self._map.clear()

        self._server.trigger.pull_trigger(forget)
        self._thread.join()
        self._server.task_dispatcher.shutdown()
        for dispatcher in sockets:
            dispatcher.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
