"""Where a one-time link leads."""


def sign_in_url(base_url: str, token: str) -> str:
    """The dashboard's sign-in page with the token in the fragment, which no browser sends and no log keeps."""
    return f"{base_url.rstrip('/')}/sign-in#token={token}"
