"""The open connections of a server: there are never too many, and none keeps it waiting for long."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Connections:
    """At most `most` connections, none of which is waited for longer than `patience` [s] in all.

    A connection is waited for until its whole request has arrived, and until its answer is taken; not while the answer
    is made. If there are too many, a new one takes the place of the one that has been waited for longest.
    """

    def __init__(self, most: int, patience: float) -> None:
        self.most, self.patience = most, patience
        self._waited: dict[socket.socket, float | None] = {}  # since when [s]; None while its answer is made
        self._lock = threading.Lock()

    def open(self, connection: socket.socket) -> bool:
        """Take in a new connection; return False if there is no place for it, since all others are being answered."""
        with self._lock:
            waited = {one: since for one, since in self._waited.items() if since is not None}
            if len(self._waited) >= self.most:
                if not waited:
                    return False
                self._end(min(waited, key=waited.__getitem__))
            self._waited[connection] = time.monotonic()
            return True

    def wait(self, connection: socket.socket) -> None:
        """From now on the connection is waited for."""
        with self._lock:
            if connection in self._waited:  # otherwise it has been ended
                self._waited[connection] = time.monotonic()

    @contextmanager
    def answering(self, connection: socket.socket) -> Iterator[None]:
        """Make the answer of a connection in this block, in which it is not waited for."""
        with self._lock:
            if connection in self._waited:
                self._waited[connection] = None
        try:
            yield
        finally:
            self.wait(connection)

    def forget(self, connection: socket.socket) -> None:
        """The connection is closed."""
        with self._lock:
            self._waited.pop(connection, None)

    def end_slow(self) -> None:
        """End the connections that have been waited for too long."""
        latest = time.monotonic() - self.patience
        with self._lock:
            for one in [one for one, since in self._waited.items() if since is not None and since < latest]:
                self._end(one)

    def _end(self, connection: socket.socket) -> None:
        """Let the thread that reads or writes here see its end; the thread then closes the connection."""
        self._waited.pop(connection)
        with suppress(OSError):  # the other side may have ended it
            connection.shutdown(socket.SHUT_RDWR)
