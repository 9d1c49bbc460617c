"""The session cookie, and whether a browser's request came from our own page."""

from starlette.requests import Request
from starlette.responses import Response

from mcp_obs_server.accounts.service import SESSION_LIFETIME


def _name(request: Request) -> str:
    # The __Host- prefix makes browsers insist on Secure, Path=/ and no Domain; plain http can't have it.
    # Cookies ignore ports, so there two servers of one machine would sign each other out.
    return "__Host-mcp_obs_session" if _is_https(request) else f"mcp_obs_session_{request.url.port or 80}"


def _is_https(request: Request) -> bool:
    return request.url.scheme == "https"


def read_session_cookie(request: Request) -> str | None:
    """The session's token, if the browser sent one."""
    return request.cookies.get(_name(request))


def set_session_cookie(request: Request, response: Response, token: str) -> None:
    """Keep the session in the browser, out of reach of its scripts."""
    response.set_cookie(
        _name(request),
        token,
        max_age=int(SESSION_LIFETIME.total_seconds()),
        path="/",
        secure=_is_https(request),
        httponly=True,
        samesite="lax",
    )


def clear_session_cookie(request: Request, response: Response) -> None:
    """Remove the session from the browser."""
    response.delete_cookie(_name(request), path="/", secure=_is_https(request), httponly=True, samesite="lax")


def from_own_page(request: Request) -> bool | None:
    """Whether our own page sent this, by the headers no script can forge; None when no browser says."""
    if site := request.headers.get("sec-fetch-site"):
        # "same-site" is not enough: on 127.0.0.1 every port is the same site.
        return site in {"same-origin", "none"}
    if origin := request.headers.get("origin"):
        return origin == f"{request.url.scheme}://{request.url.netloc}"
    return None
