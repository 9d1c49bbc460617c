"""What exports over HTTP are sent with."""

import requests


class HttpSession(requests.Session):
    """One that leaves an authorization as it is, which requests would replace by that of a .netrc or of the URL."""

    def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
        """Nobody else says who sends what has an authorization."""
        given = {name.lower() for headers in (self.headers, request.headers or {}) for name in headers}
        if "authorization" in given:
            request.auth = _as_it_is
        return super().prepare_request(request)


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
