"""What a load generator saw."""

import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True)
class Report:
    """Counts are of whole exports; `exports` are the acknowledged ones. Latencies are from the first byte sent to the
    answer 200, repetitions included."""

    exports: int
    spans: int
    """Acknowledged and not rejected."""
    rejected_spans: int
    """Of acknowledged exports, by their partial success."""
    seconds: float
    """From the start to the last acknowledgement."""
    unanswered: int
    """Exports that had no 200 when the patience ended: they may be stored or not."""
    statuses: dict[str, int]
    """Answers by HTTP status; `cut off` counts connections that ended before an answer."""
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    cpu_seconds: float
    """Of the load generator itself."""
    seed: int
    started_exports: int
    """Exports are numbered from 0 up to, not including, this."""

    @property
    def spans_per_second(self) -> float:
        """Acknowledged."""
        return self.spans / self.seconds if self.seconds else 0.0

    @property
    def exports_per_second(self) -> float:
        """Acknowledged."""
        return self.exports / self.seconds if self.seconds else 0.0

    @property
    def cpu_share(self) -> float:
        """Of one core; 0 when nothing was acknowledged."""
        return self.cpu_seconds / self.seconds if self.seconds else 0.0

    def to_json(self) -> str:
        """One line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Report":
        """What `to_json` gave."""
        return cls(**json.loads(text))


@dataclass
class Tally:
    """Counts while the load runs."""

    statuses: Counter[str] = field(default_factory=Counter[str])
    latencies: list[float] = field(default_factory=list[float])
    """Seconds, of acknowledged exports."""
    rejected_spans: int = 0
    last_acknowledgement: float = 0.0

    def acknowledged(self, began: float, now: float) -> None:
        """An export was answered with 200."""
        self.latencies.append(now - began)
        self.last_acknowledgement = now


def percentile_ms(seconds: Sequence[float], percent: float) -> float | None:
    """The smallest value that at least `percent` of all do not exceed, in milliseconds; None of nothing."""
    ranked = sorted(seconds)
    return round(ranked[math.ceil(len(ranked) * percent / 100) - 1] * 1e3, 3) if ranked else None
