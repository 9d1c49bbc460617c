"""Under `mcp-obs doctor` nothing is sent: what would be is written to a file, with what the process is made of.

A line of the file is a JSON object that has an `export` or a `process`. Nothing is imported that the program does
not import itself.
"""

import atexit
import base64
import io
import json
import os
import sys
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from mcp_obs_after_import import after_import

FILE = "MCP_OBS_DOCTOR_FILE"
LIBRARIES = ("mcp-obs", "mcp", "fastmcp", "opentelemetry-api", "opentelemetry-sdk")

_PROTOBUF = "application/x-protobuf"
_SIGNALS = ("traces", "metrics", "logs")


def keep_exports(file: str) -> None:
    """Write what this process would send to `file` from now on."""
    after_import("requests.adapters", partial(_keep_http, file))
    after_import("opentelemetry.exporter.otlp.proto.grpc.exporter", partial(_keep_grpc, file))
    # A process that is killed does not come to its end.
    _write(file, {"process": _process()})
    # What is registered first runs last, after the last export.
    atexit.register(lambda: _write(file, {"process": _process()}))


def _keep_http(file: str, adapters: ModuleType) -> None:
    send = adapters.HTTPAdapter.send

    def kept(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        signal = _signal(request.url)
        if request.method != "POST" or (signal is None and request.headers.get("content-type") != _PROTOBUF):
            return send(self, request, *args, **kwargs)
        _export(file, signal, request.url, dict(request.headers), request.body)
        return self.build_response(request, _taken())

    adapters.HTTPAdapter.send = kept


def _taken() -> Any:
    from urllib3.response import HTTPResponse  # noqa: PLC0415  requests has imported it

    return HTTPResponse(io.BytesIO(), status=200, preload_content=False)


def _keep_grpc(file: str, exporter: ModuleType) -> None:
    def kept(self: Any, data: Any) -> Any:
        request = self._translate_data(data)
        # As in opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest.
        package = request.DESCRIPTOR.file.package
        signal = "traces" if ".trace." in package else package.split(".")[-2]
        scheme = "grpc" if self._insecure else "grpcs"
        headers = {key: str(value) for key, value in self._headers}
        _export(file, signal, f"{scheme}://{self._endpoint}", headers, request.SerializeToString())
        return self._result.SUCCESS

    exporter.OTLPExporterMixin._export = kept  # pyright: ignore[reportAttributeAccessIssue]


def _signal(url: str) -> str | None:
    for signal in _SIGNALS:
        chosen = os.environ.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT")
        if urlsplit(url).path.endswith(f"/v1/{signal}") or url == chosen:
            return signal
    return None


def _export(file: str, signal: str | None, url: str, headers: dict[str, str], body: bytes) -> None:
    export = {
        "signal": signal,
        "url": url,
        "headers": {
            key: value.decode("latin-1") if isinstance(value, bytes) else value
            for key, value in headers.items()
        },
        "body": base64.b64encode(body).decode(),
    }
    _write(file, {"process": _process(), "export": export})


def _process() -> dict[str, Any]:
    findings = sys.modules.get("mcp_obs._adapters.findings")
    return {
        "id": os.getpid(),
        "python": sys.executable,
        "versions": {name: _version(name) for name in LIBRARIES},
        "serves_mcp": any(name in sys.modules for name in ("mcp.server", "fastmcp")),
        "is_compiled": sys.modules.get("mcp_obs._lean.compiled") is not None,
        "findings": [list(one) for one in findings.findings()] if findings is not None else [],
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _write(file: str, line: dict[str, Any]) -> None:
    # One write to a file that is appended to: threads and processes don't mix their lines.
    with open(file, "ab", buffering=0) as out:  # noqa: PTH123  pathlib is not imported by every program
        out.write(json.dumps(line).encode() + b"\n")
