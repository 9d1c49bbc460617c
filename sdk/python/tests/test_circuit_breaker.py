"""How long a collector that fails is left alone."""

import pytest

from mcp_obs._lean.circuit_breaker import CircuitBreaker


@pytest.mark.behaviour("export.circuit-breaker")
def test_a_breaker_opens_for_longer_each_time_and_tries_once_in_between():
    now = [0.0]
    breaker = CircuitBreaker(lambda: now[0], lambda: 1.0)
    seen: list[float] = []
    assert breaker.state == "closed"
    for _ in range(8):
        breaker.note(is_well=False)
        assert breaker.state == "open"
        began = now[0]
        while breaker.state == "open":
            now[0] += 0.5
        seen.append(now[0] - began)
        assert breaker.state == "half_open"
    assert seen == [1, 2, 4, 8, 16, 32, 60, 60]
    breaker.note(is_well=True)
    assert breaker.state == "closed"


@pytest.mark.behaviour("export.circuit-breaker")
@pytest.mark.parametrize(("asked", "pause"), [(0.0, 0.5), (7.0, 7.0), (3600.0, 60.0)])
def test_a_breaker_waits_as_long_as_the_collector_asks_for_and_not_for_ever(asked: float, pause: float):
    now = [0.0]
    breaker = CircuitBreaker(lambda: now[0], lambda: 0.0)
    breaker.note(is_well=False, asked_seconds=asked)
    now[0] = pause - 0.01
    assert breaker.state == "open"
    now[0] = pause
    assert breaker.state == "half_open"
