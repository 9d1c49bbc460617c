"""upb, protobuf's own parser, reading the same bodies on one core: what any receiver in Python pays at least."""

import time

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from benchmarks.bodies import ExportTemplate

_SPANS = 512


class UpbParse:
    """Rounds of parsing and nothing else."""

    def __init__(self) -> None:
        self._wire = ExportTemplate(0, _SPANS).wire
        self.rates: list[float] = []
        self._cpu = 0.0
        self._spans = 0

    def run(self, seconds: float) -> None:
        """One round, in this process."""
        exports, started, cpu = 0, time.perf_counter(), time.process_time()
        while time.perf_counter() < started + seconds:
            ExportTraceServiceRequest.FromString(self._wire)
            exports += 1
        self._cpu += time.process_time() - cpu
        self._spans += exports * _SPANS
        self.rates.append(exports * _SPANS / (time.perf_counter() - started))
        print(f"  upb      {self.rates[-1]:>10,.0f} spans/s parsed, nothing else", flush=True)

    @property
    def cpu_per_100k(self) -> float:
        """Seconds of CPU for 100,000 spans."""
        return self._cpu / self._spans * 1e5
