"""The process that `tests.support.warm_workers` forks workers from: loaded and warmed up once, without any thread."""

from __future__ import annotations

import asyncio
import contextlib
import os
import selectors
import signal
import socket
import sys

from mcp_tui.gateway import worker

STREAMS = 3
LENGTH = 4
"""Bytes that say how long the rest of a message is."""


class Template:
    """Forks a worker for each connection; ends with its own standard input, and all workers with it."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._selector = selectors.DefaultSelector()
        self._workers: dict[int, socket.socket] = {}
        """Process id -> the connection to its stand-in."""
        self._ended, self._end = os.pipe()

    def serve(self) -> None:
        """Until standard input closes."""
        os.set_blocking(self._end, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._end)
        for waited in (0, self._ended, self._listener):
            self._selector.register(waited, selectors.EVENT_READ)
        while True:
            for key, _ in self._selector.select():
                match key.fileobj:
                    case 0:
                        return self._kill_all()
                    case self._ended:
                        os.read(self._ended, 4096)
                        self._reap()
                    case self._listener:
                        self._accept()
                    case connection:
                        self._lost(connection)

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        try:
            given, streams = _receive(connection)
        except OSError:
            return connection.close()
        if (child := os.fork()) == 0:
            self._become_worker(connection, given, streams)
        for stream in streams:
            os.close(stream)
        self._workers[child] = connection
        self._selector.register(connection, selectors.EVENT_READ)
        return None

    def _become_worker(self, connection: socket.socket, given: bytes, streams: list[int]) -> None:
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.setsid()
            self._selector.close()
            for other in (self._listener, connection, *self._workers.values()):
                other.close()
            os.close(self._ended)
            os.close(self._end)
            for number, stream in enumerate(streams):
                os.dup2(stream, number)
                os.close(stream)
            folder, *entries = given.split(b"\0")
            os.chdir(folder)
            os.environ.clear()
            os.environb.update(entry.split(b"=", 1) for entry in entries)
            worker.main()
            status = 0
        except BaseException:
            sys.excepthook(*sys.exc_info())
            raise
        finally:
            with contextlib.suppress(OSError):
                sys.stderr.flush()
            os._exit(status)

    def _reap(self) -> None:
        for child in list(self._workers):
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                connection = self._workers.pop(child)
                with contextlib.suppress(KeyError):
                    self._selector.unregister(connection)
                with contextlib.suppress(OSError):
                    connection.sendall(str(os.waitstatus_to_exitcode(status)).encode())
                connection.close()

    def _lost(self, connection: object) -> None:
        """The stand-in of a worker was ended."""
        for child, known in self._workers.items():
            if known is connection:
                self._selector.unregister(known)
                os.kill(child, signal.SIGKILL)

    def _kill_all(self) -> None:
        for child in self._workers:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def _receive(connection: socket.socket) -> tuple[bytes, list[int]]:
    """What a stand-in sends: its folder and environment, and its streams."""
    head, streams, _, _ = socket.recv_fds(connection, LENGTH, STREAMS)
    if len(head) < LENGTH or len(streams) < STREAMS:
        raise ConnectionError
    with connection.makefile("rb") as rest:
        return rest.read(int.from_bytes(head, "big")), streams


if __name__ == "__main__":
    worker.bootstrap()
    asyncio.run(worker.warm_up())
    with socket.socket(fileno=int(sys.argv[1])) as inherited:
        Template(inherited).serve()
