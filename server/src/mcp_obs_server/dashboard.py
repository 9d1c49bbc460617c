"""The built dashboard: files with a hash in their name for ever, everything else is the one page."""

from pathlib import Path

from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

DIST = Path(__file__).parent / "web" / "dist"

SECURITY_HEADERS = {
    # Attribute values come from strangers; nothing that they contain may run or load (Grafana CVE-2023-0594).
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
        " font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none';"
        " frame-ancestors 'none'"
    ),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cross-origin-opener-policy": "same-origin",
}
_NOT_BUILT = "The dashboard is not built: run `make web`, or install mcp-obs-server from a wheel.\n"


class Dashboard:
    """An ASGI application that serves one folder."""

    def __init__(self, folder: Path = DIST) -> None:
        self._folder = folder.resolve()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one GET or HEAD."""
        response = self._response(scope)
        response.headers.update(SECURITY_HEADERS)
        await response(scope, receive, send)

    def _file(self, path: str) -> Path | None:
        try:
            file = (self._folder / path.lstrip("/")).resolve()
            return file if file.is_file() and file.is_relative_to(self._folder) else None
        except (OSError, ValueError):
            # A name that no file system takes: too long, or with a zero byte.
            return None

    def _response(self, scope: Scope) -> Response:
        if scope["method"] not in ("GET", "HEAD"):
            return PlainTextResponse("Only GET here.\n", 405, {"allow": "GET, HEAD"})
        file = self._file(scope["path"])
        if file and file.name != "index.html":
            forever = "assets" in file.relative_to(self._folder).parts
            cache = "public, max-age=31536000, immutable" if forever else "no-cache"
            return FileResponse(file, headers={"cache-control": cache})
        index = self._folder / "index.html"
        if not index.is_file():
            return PlainTextResponse(_NOT_BUILT, 503)
        # A missing script must not come back as HTML.
        if scope["path"].startswith("/assets/"):
            return PlainTextResponse("Nothing here.\n", 404)
        return FileResponse(index, headers={"cache-control": "no-cache"})
