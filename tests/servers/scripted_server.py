"""A stdio server that does what a JSON file says: what it lists, answers, logs, reports and writes to standard error.

``python scripted_server.py PLAN``, where PLAN holds an object with any of

``tools``     the listing
``results``   tool -> result; ``errors``: tool -> JSON-RPC error; anything else is echoed
``stderr``    lines written at the start
``logs``, ``progress``   messages sent during each call
``record``    file that gets a line of JSON for the environment and for each message received
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

PLAN: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))


def record(value: Any) -> None:
    if "record" in PLAN:
        with Path(PLAN["record"]).open("a", encoding="utf-8") as file:
            file.write(json.dumps(value) + "\n")


def send(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def call(params: dict[str, Any]) -> dict[str, Any]:
    token = params.get("_meta", {}).get("progressToken")
    for number, message in enumerate(PLAN.get("progress", []) if token is not None else []):
        body = {"progressToken": token, "progress": number, "total": 9, "message": message}
        send({"method": "notifications/progress", "params": body})
    for message in PLAN.get("logs", []):
        send({"method": "notifications/message", "params": {"level": "error", "logger": message, "data": message}})
    name = params["name"]
    if name in PLAN.get("errors", {}):
        return {"error": PLAN["errors"][name]}
    echoed = {"content": [{"type": "text", "text": json.dumps(params.get("arguments"))}]}
    return {"result": PLAN.get("results", {}).get(name, echoed)}


def answer(method: str, params: dict[str, Any]) -> dict[str, Any]:
    match method:
        case "initialize":
            information = {"name": "scripted", "version": "1"}
            capabilities = {"tools": {}, "logging": {}}
            version = params["protocolVersion"]
            return {"result": {"protocolVersion": version, "capabilities": capabilities, "serverInfo": information}}
        case "tools/list":
            return {"result": {"tools": PLAN.get("tools", [])}}
        case "tools/call":
            return call(params)
        case "ping" | "logging/setLevel":
            return {"result": {}}
        case _:
            return {"error": {"code": -32601, "message": "Method not found"}}


def main() -> None:
    record({"environ": dict(os.environ), "argv": sys.argv})
    for line in PLAN.get("stderr", []):
        sys.stderr.buffer.write(line.encode("utf-8", "replace") + b"\n")
        sys.stderr.flush()
    for line in sys.stdin:
        message = json.loads(line)
        record(message)
        if "id" in message and "method" in message:
            send({"id": message["id"], **answer(message["method"], message.get("params") or {})})


if __name__ == "__main__":
    main()
