"""Loaded by the worker of a test before anything else: writes down every address and name it reaches for."""

import os
import sys

_LOG = os.open(os.environ["AUDIT_LOG"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def _audit(event: str, arguments: tuple[object, ...]) -> None:
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        os.write(_LOG, f"{event} {arguments[1]!r}\n".encode())
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "subprocess.Popen", "os.exec", "os.posix_spawn"):
        os.write(_LOG, f"{event} {arguments[0]!r}\n".encode())


sys.addaudithook(_audit)
