"""The thread that sends what is written: how it ends."""

import threading

import pytest
from sdk_kit.collector import collecting
from sdk_kit.lean import ended_span, exporting

import mcp_obs
from mcp_obs import _telemetry
from mcp_obs._exit import at_exit
from mcp_obs._lean import exporter as exporter_module
from mcp_obs._lean.encoder import SpanEncoder
from mcp_obs._message import Message
from mcp_obs._operation import begin


@pytest.mark.behaviour("configuration.replaced")
def test_a_configuration_that_is_replaced_leaves_no_thread(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(exporter_module, "EXPORT_SECONDS", 0.01)
    of_others, started = _sending(), set[threading.Thread]()
    with collecting() as collector:
        try:
            for method in ("ping", "tools/list", "prompts/list"):
                mcp_obs.configure_mcp_telemetry(endpoint=collector.url)
                _answer(method)
                collector.wait_for(method)
                started |= _sending() - of_others
        finally:
            at_exit.flush()
            _telemetry.use(None)
        for thread in started:
            thread.join(60)
    assert [thread.is_alive() for thread in started] == [False] * 3


@pytest.mark.behaviour("exit.bounded")
def test_a_thread_that_is_sending_when_all_is_given_up_ends_after_that():
    of_others = _sending()
    with collecting(hung=True) as collector:
        backlog = exporting(collector.url).backlog
        for _ in range(2):
            backlog.put(SpanEncoder().encode(ended_span("ping")))
            backlog.send_soon()
            collector.wait_for_request()
        (thread,) = _sending() - of_others
        assert (backlog.give_up(), len(backlog)) == (2, 0)
        collector.released.set()
        thread.join(60)
        assert not thread.is_alive()
    assert collector.spans == ["ping"]


def _answer(method: str) -> None:
    operation = begin(lambda: Message(method, None, 1, None, None, None))
    assert operation is not None
    operation.answer({})


def _sending() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "mcp-obs-spans"}
