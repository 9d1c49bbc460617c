"""Where a one-time link leads."""

from dataclasses import dataclass

from starlette.requests import Request


@dataclass(frozen=True, slots=True)
class Dashboard:
    """The dashboard's address as browsers see it; None when no proxy stands in front."""

    public_url: str | None = None

    def sign_in_url(self, request: Request, token: str) -> str:
        """The link for a token, at the public address or where this request came in."""
        return sign_in_url(self.public_url or str(request.base_url), token)


def sign_in_url(base_url: str, token: str) -> str:
    """The dashboard's sign-in page with the token in the fragment, which no browser sends and no log keeps."""
    return f"{base_url.rstrip('/')}/sign-in#token={token}"
