"""Loaded by every Python process below a test that wants warm workers: stands in for a worker of the model layer.

See `tests.support.warm_workers`.  Any other process goes on as if this file were not there.
"""

import os
import sys

_SOCKET = os.environ.get("MCP_TUI_TEST_WARM_WORKERS")

if _SOCKET and any("mcp_tui.gateway.worker import main" in part for part in sys.orig_argv[:4]):
    import socket
    from pathlib import Path

    with socket.socket(socket.AF_UNIX) as _template:
        _template.connect(_SOCKET)
        _entries = [key + b"=" + value for key, value in os.environb.items()]
        _message = b"\0".join([os.fsencode(Path.cwd()), *_entries])
        socket.send_fds(_template, [len(_message).to_bytes(4, "big")], [0, 1, 2])
        _template.sendall(_message)
        _null = os.open(os.devnull, os.O_RDWR)
        for _stream in (0, 1, 2):
            os.dup2(_null, _stream)
        _status = int(_template.recv(16) or b"1")
    if _status < 0:
        os.kill(os.getpid(), -_status)
    os._exit(_status)
