"""One export over OTLP/HTTP: how it is sent, and what its answer says."""

import contextlib
import gzip
import socket
import ssl
import threading
from pathlib import Path

import pytest
from opentelemetry.sdk.resources import Resource
from sdk_kit.answers import partly
from sdk_kit.certificates import certificate_in, without_proxies
from sdk_kit.collector import collecting
from sdk_kit.lean import ended_span

from mcp_obs._lean.encoder import Envelope, SpanEncoder
from mcp_obs._lean.sender import Sender, Sent


@pytest.mark.behaviour("export.packed")
@pytest.mark.parametrize(
    ("url", "encoding"),
    [
        ("http://collector.test/v1/traces", "gzip"),
        ("http://10.0.0.1:4318/v1/traces", "gzip"),
        ("http://localhost:4318/v1/traces", None),
        ("http://127.0.0.2:4318/v1/traces", None),
        ("http://[::1]:4318/v1/traces", None),
    ],
)
def test_what_leaves_this_machine_is_gzipped_and_what_stays_is_not(
    url: str, encoding: str | None, monkeypatch: pytest.MonkeyPatch
):
    with collecting() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", "")
        spans = Envelope(Resource({}), "s", "1").around([SpanEncoder().encode(ended_span("ping"))])
        assert Sender(url, {}).send(spans, 10).error is None
    ((path, headers),) = proxy.requests
    assert (path, headers.get("content-encoding"), proxy.bodies) == (url, encoding, [spans])


@pytest.mark.behaviour("export.proxy")
@pytest.mark.parametrize(("no_proxy", "is_asked"), [("", True), ("collector.test", False)])
def test_the_proxy_of_the_environment_is_used_but_for_what_it_leaves_out(
    no_proxy: str, is_asked: bool, monkeypatch: pytest.MonkeyPatch
):
    with collecting() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url.replace("://", "://ada:lovelace@"))
        monkeypatch.setenv("no_proxy", no_proxy)
        Sender("http://collector.test:1/v1/traces", {}).send(b"", 10)
    asked = [(path, headers["proxy-authorization"]) for path, headers in proxy.requests]
    assert asked == [("http://collector.test:1/v1/traces", "Basic YWRhOmxvdmVsYWNl")] * is_asked


class OneConnection:
    """A server of two requests on one connection, with TLS or without; asked for a tunnel, it is its other end, too."""

    def __init__(self, certificate: Path | None, *, is_tunnel: bool = False) -> None:
        self.received: list[bytes] = []
        self._certificate = certificate
        self._is_tunnel = is_tunnel
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> "OneConnection":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        with contextlib.suppress(ssl.SSLError), self._accept() as connection:
            for _ in range(2):
                self.received.append(connection.recv(65536))
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    def _accept(self) -> socket.socket:
        connection, _ = self._listener.accept()
        if self._is_tunnel:
            assert connection.recv(65536).startswith(b"CONNECT collector.test:443 HTTP/1.")
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        if self._certificate is None:
            return connection
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._certificate)
        return context.wrap_socket(connection, server_side=True)


@pytest.mark.behaviour("export.proxy")
@pytest.mark.parametrize("way", ["http", "https", "tunnel"])
def test_a_request_leaves_in_one_piece_on_a_connection_that_is_kept(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    without_proxies(monkeypatch)
    certificate = None if way == "http" else certificate_in(tmp_path, "collector.test")
    bodies = [b"first" * 100, b""]
    with OneConnection(certificate, is_tunnel=way == "tunnel") as server:
        url = f"{way}://{server.address}/v1/traces"
        if way == "tunnel":
            monkeypatch.setenv("https_proxy", f"http://{server.address}")
            url = "https://collector.test/v1/traces"
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate or ""))
        sender = Sender(url, {"authorization": "Bearer key", "content-length": "7"})
        assert [sender.send(body, 10).error for body in bodies] == [None, None]
    for piece, body in zip(server.received, bodies, strict=True):
        head, _, sent = piece.partition(b"\r\n\r\n")
        assert head.startswith(b"POST /v1/traces HTTP/1.1\r\n")
        assert [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")] == [
            b"Content-Length: %d" % len(sent)
        ]
        assert b"\r\nauthorization: Bearer key\r\n" in head
        assert (gzip.decompress(sent) if way == "tunnel" else sent) == body


def test_whose_certificate_is_not_trusted_gets_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    without_proxies(monkeypatch)
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    with OneConnection(certificate_in(tmp_path)) as server:
        sent = Sender(f"https://{server.address}/v1/traces", {}).send(b"secret", 10)
    assert (sent.is_over, sent.error, server.received) == (False, "SSLError", [])


@pytest.mark.parametrize("entry", ["machine 127.0.0.1", "default"])
@pytest.mark.parametrize(
    ("headers", "sent"),
    [({"authorization": "Bearer key"}, "Bearer key"), ({}, "Basic YWRhOmxvdmVsYWNl")],
    ids=["with a key", "without a key"],
)
def test_a_netrc_says_who_sends_only_where_no_key_does(
    headers: dict[str, str], sent: str, entry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    netrc = tmp_path / "netrc"
    netrc.write_text(f"{entry} login ada password lovelace\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with collecting() as collector:
        Sender(f"{collector.url}/v1/traces", headers).send(b"", 10)
    assert [headers["authorization"] for _, headers in collector.requests] == [sent]


@pytest.mark.behaviour("export.repeated-when-retryable")
@pytest.mark.parametrize(
    ("status", "is_over"),
    [(200, True), (302, True), (400, True), (401, True), (413, True), (500, True)]
    + [(status, False) for status in (429, 502, 503, 504)],
)
def test_only_what_otlp_says_is_tried_again(status: int, is_over: bool):
    with collecting(status) as collector:
        assert Sender(f"{collector.url}/v1/traces", {}).send(b"", 10).is_over is is_over


@pytest.mark.behaviour("export.repeated-when-retryable")
@pytest.mark.parametrize(
    "answer",
    [b"Content-Encoding: gzip\r\nContent-Length: 6\r\n\r\nbroken", b"Content-Length: 100\r\n\r\ncut off"],
)
def test_what_was_taken_is_not_sent_again_because_its_answer_is_broken(answer: bytes):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\n" + answer)

        serving = threading.Thread(target=serve)
        serving.start()
        sent = Sender(f"http://127.0.0.1:{listener.getsockname()[1]}/", {}).send(b"", 10)
        serving.join()
    assert sent.is_over


@pytest.mark.behaviour("export.refusal-named-once")
@pytest.mark.parametrize(
    ("answer", "rejected", "told"),
    [
        (b"", 0, None),
        (partly(0), 0, None),
        (partly(3, "quota"), 3, "rejects part of the telemetry, which is lost: 3 spans or points, quota"),
        (partly(3), 3, "which is lost: 3 spans or points, for no reason that it gives"),
        (partly(0, "deprecated"), 0, "takes telemetry with a warning: deprecated"),
        (partly(3, "x" * 300), 3, f"which is lost: 3 spans or points, {'x' * 200}"),
        (partly(-1, "odd"), 0, "takes telemetry with a warning: odd"),
        (partly(3, "x" * 5000), 0, None),
        (partly(3, "quota")[:-1], 0, None),
        (b'{"partialSuccess":{"rejectedSpans":"3"}}', 0, None),
        (b"<html>OK</html>", 0, None),
    ],
)
def test_what_a_collector_rejects_of_what_it_takes_is_told_once_and_what_can_t_be_read_counts_as_taken(
    answer: bytes, rejected: int, told: str | None, caplog: pytest.LogCaptureFixture
):
    with collecting() as collector:
        collector.answer = answer
        sender = Sender(f"{collector.url}/v1/traces", {})
        assert [sender.send(b"", 10) for _ in range(2)] == [Sent(is_over=True, rejected=rejected)] * 2
        messages = [each.getMessage() for each in caplog.records]
        assert len(messages) == (told is not None)
        assert all(each.endswith(told or "") for each in messages)
        collector.answer = b""
        sender.send(b"", 10)
        collector.answer = answer
        sender.send(b"", 10)
    assert len(caplog.records) == len(messages)
    assert len(set(collector.ports)) == 1 or len(answer) > 4096


@pytest.mark.behaviour("export.refusal-named-once")
def test_of_the_reasons_for_which_parts_are_rejected_only_a_few_are_told(caplog: pytest.LogCaptureFixture):
    with collecting() as collector:
        sender = Sender(f"{collector.url}/v1/traces", {})
        for number in range(5):
            for answer in (partly(0, f"deprecated {number}"), partly(1, f"late by {number} s"), partly(0)):
                collector.answer = answer
                sender.send(b"", 10)
    told = [each.getMessage().rpartition(": ")[2] for each in caplog.records]
    assert [each for each in told if "late" in each] == [
        f"1 spans or points, late by {n} s" for n in range(3)
    ]
    assert [each for each in told if "deprecated" in each] == [f"deprecated {n}" for n in range(3)]


FORGED = "late\n2026-11-27 CRITICAL root: \x1b[31mforged\x1b[0m\r\u202e\u2028" + "x" * 300


@pytest.mark.parametrize(("status", "answer"), [(200, partly(1, FORGED)), (400, FORGED.encode())])
def test_what_a_collector_says_forges_no_line_of_the_log(
    status: int, answer: bytes, caplog: pytest.LogCaptureFixture
):
    with collecting(status) as collector:
        collector.answer = answer
        Sender(f"{collector.url}/v1/traces", {}).send(b"", 10)
    (record,) = caplog.records
    message = record.getMessage()
    shown = f"late 2026-11-27 CRITICAL root: [31mforged [0m {'x' * 300}"[:200]
    assert message.isprintable()
    assert message.endswith(f" {shown}")


def test_a_collector_that_rejects_a_part_is_well_and_told_of_when_it_is_not(caplog: pytest.LogCaptureFixture):
    with collecting() as collector:
        collector.answer = partly(1, "quota")
        sender = Sender(f"{collector.url}/v1/traces", {})
        well: list[bool] = []
        for status in (200, 401, 200, 401):
            collector.status = status
            well.append(not sender.send(b"", 10).is_unwell)
    assert well == [True, False, True, False]
    assert [("rejects" in each.getMessage(), "refuses" in each.getMessage()) for each in caplog.records] == [
        (True, False),
        (False, True),
        (False, True),
    ]


@pytest.mark.behaviour("host.no-secrets-in-logs")
def test_no_secret_gets_into_the_host_s_log(caplog: pytest.LogCaptureFixture):
    for url, headers in (
        ("http://127.0.0.1:9/", {"authorization": "Bearer SECRET\n"}),
        ("http://ada:SECRET@127.0.0.1:9/", {}),
    ):
        assert not Sender(url, headers).send(b"", 10).is_over
    assert len(caplog.records) == 2
    assert "SECRET" not in caplog.text
