"""How long the dashboard waits for its numbers, asked again and again while other things happen."""

import time
from dataclasses import dataclass, field

from benchmarks.load_report import percentile_ms
from benchmarks.receivers.mcp_obs import McpObs

# What the overview page asks for at once.
QUESTIONS = ("overview", "series", "tools")


@dataclass
class QueryLatencies:
    """Seconds from a request to its whole answer, by question."""

    seconds: dict[str, list[float]] = field(
        default_factory=lambda: {question: list[float]() for question in QUESTIONS}
    )

    def ask_once(self, receiver: McpObs, look_back: str = "24h") -> None:
        """Each question in turn."""
        for question, latencies in self.seconds.items():
            started = time.perf_counter()
            receiver.get(f"/api/servers/1/{question}?range={look_back}")
            latencies.append(time.perf_counter() - started)

    def percentile(self, question: str, percent: float) -> float:
        """Milliseconds; 0 when it was never asked."""
        return percentile_ms(self.seconds[question], percent) or 0.0
