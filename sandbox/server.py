"""Runs WSGI applications on loopback ports, in threads of this process."""

import threading
from types import TracebackType
from typing import Any, Self
from wsgiref.types import WSGIApplication

from waitress.server import create_server

HOST = "127.0.0.1"
_THREADS = 24
"""More than any test's clients at once: a held request occupies a thread."""


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
            map=self._map,
            ident=None,
            # Off, an OSError from the application closes the connection: see ConnectionCut.
            log_socket_errors=False,
        )
        self._thread = threading.Thread(target=self._server.run, name=f"sandbox-{name}", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Scheme, host and port, without a slash at the end."""
        return f"http://{HOST}:{self._server.effective_port}"

    def stop(self) -> None:
        """Close all sockets and wait for the threads; a second call does nothing."""
        if not self._thread.is_alive():
            return
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

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
