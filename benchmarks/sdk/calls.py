"""Clients as light as can be, so that what is measured is the server: one call at a time, as bytes prepared once."""

import http.client
import json
import subprocess
import time
from typing import IO, Any, Protocol

_PROTOCOL = "2026-07-28"
_META = {
    "io.modelcontextprotocol/protocolVersion": _PROTOCOL,
    "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


class Calls(Protocol):
    """Calls tools of one server."""

    def call(self, tool: str, times: int) -> list[float]:
        """The seconds that each call took. Raises SystemExit when one is not answered with a result."""
        ...


class StdioCalls:
    """Over a process's standard input and output."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._stdin, self._stdout = _pipes(process)
        self._number = 0

    def call(self, tool: str, times: int) -> list[float]:
        """One line there, one line back."""
        seconds: list[float] = []
        for _ in range(times):
            self._number += 1
            line = _request(tool, self._number) + b"\n"
            started = time.perf_counter()
            self._stdin.write(line)
            self._stdin.flush()
            answer = self._stdout.readline()
            seconds.append(time.perf_counter() - started)
            _check(answer, tool)
        return seconds


class HttpCalls:
    """Over one connection to /mcp."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._number = 0

    def close(self) -> None:
        """Leave the server."""
        self._connection.close()

    def call(self, tool: str, times: int) -> list[float]:
        """One request for each."""
        headers = {
            "content-type": "application/json",
            "accept": "application/json, text/event-stream",
            "mcp-protocol-version": _PROTOCOL,
            "mcp-method": "tools/call",
            "mcp-name": tool,
        }
        seconds: list[float] = []
        for _ in range(times):
            self._number += 1
            body = _request(tool, self._number)
            started = time.perf_counter()
            self._connection.request("POST", "/mcp", body, headers)
            answer = self._connection.getresponse().read()
            seconds.append(time.perf_counter() - started)
            _check(answer, tool)
        return seconds


class MemoryCalls:
    """By the library's own client inside the server's process, which is told how many."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._stdin, self._stdout = _pipes(process)
        self._stdout.readline()

    def call(self, tool: str, times: int) -> list[float]:
        """One line for all of them."""
        self._stdin.write(f"{tool} {times}\n".encode())
        self._stdin.flush()
        seconds = [float(each) for each in self._stdout.readline().split()]
        if len(seconds) != times:
            raise SystemExit(f"{tool} was not answered")
        return seconds


def _pipes(process: "subprocess.Popen[bytes]") -> tuple[IO[bytes], IO[bytes]]:
    assert process.stdin
    assert process.stdout
    return process.stdin, process.stdout


def _request(tool: str, number: int) -> bytes:
    params: dict[str, Any] = {"name": tool, "arguments": {}, "_meta": _META}
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}).encode()


def _check(answer: bytes, tool: str) -> None:
    if b'"result"' not in answer or b'"isError":true' in answer.replace(b" ", b""):
        raise SystemExit(f"{tool} was answered with {answer[:500]!r}")
