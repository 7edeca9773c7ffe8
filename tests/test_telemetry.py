"""What leaves the gateway through OpenTelemetry."""

import subprocess
import sys
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader, NumberDataPoint
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from gateway.errors import Cause, Finding
from gateway.figures import FrameError, Step
from gateway.reading import Event, EventKind, Gap, Readout, Visit
from gateway.telemetry import ONE_GOOD_VISIT_IN, Telemetry, configure

START = datetime(2026, 9, 30, 9, 0, tzinfo=UTC)
VISIT = Visit("block-12", "riser-a", "flat01", "01234567", START, START, 2500)
GOOD = Readout(VISIT, "/XMP5FLAT", "XMP", "FLAT", "generic@1", START, ())
SILENT = Gap(VISIT, Cause.NO_ANSWER, Finding("E-READ-1", "meter flat01", "no answer"))

CHANGED = Event(VISIT, EventKind.WRITE, START, "0.9.1 is now 120000")


class Collector:
    """Both exporters of the SDK in memory, with the telemetry that feeds them; its clock stands still."""

    def __init__(self) -> None:
        self.now = 100.0
        self.exporter = InMemorySpanExporter()
        self.reader = InMemoryMetricReader()
        tracers = TracerProvider(shutdown_on_exit=False)
        tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        meters = MeterProvider([self.reader], shutdown_on_exit=False)
        self.telemetry = Telemetry(tracers.get_tracer("test"), meters.get_meter("test"), clock=lambda: self.now)

    def spans(self) -> tuple[ReadableSpan, ...]:
        return tuple(self.exporter.get_finished_spans())

    def metrics(self) -> dict[str, dict[tuple[tuple[str, object], ...], float]]:
        """The values of each instrument by its attributes; of a histogram, the sum."""
        data = self.reader.get_metrics_data()
        assert data is not None
        return {
            metric.name: {_key(point.attributes or {}): _value(point) for point in metric.data.data_points}
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    def buckets(self, name: str) -> list[tuple[int, ...]]:
        """The counts of a histogram by its boundaries, of each set of attributes."""
        data = self.reader.get_metrics_data()
        assert data is not None
        return [
            tuple(point.bucket_counts)
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            for point in metric.data.data_points
            if metric.name == name and isinstance(point, HistogramDataPoint)
        ]


def _key(attributes: Mapping[str, object]) -> tuple[tuple[str, object], ...]:
    return tuple(sorted(attributes.items()))


def _value(point: object) -> float:
    assert isinstance(point, NumberDataPoint | HistogramDataPoint)
    return point.sum if isinstance(point, HistogramDataPoint) else point.value


def key(**attributes: str) -> tuple[tuple[str, object], ...]:
    return _key(attributes)


def test_a_visit_is_counted_by_line_profile_and_outcome() -> None:
    collector = Collector()
    collector.telemetry.visit(GOOD)
    collector.telemetry.visit(GOOD)
    collector.telemetry.visit(SILENT, profile="generic@1")
    metrics = collector.metrics()
    assert metrics["metergate.visit"] == {
        key(line="riser-a", profile="generic@1", outcome="delivered"): 2,
        key(line="riser-a", profile="generic@1", outcome="no_answer"): 1,
    }
    assert metrics["metergate.visit.duration"][key(line="riser-a", profile="generic@1", outcome="delivered")] == 5.0


def test_a_visit_that_changed_something_has_an_outcome_and_a_span_of_its_own() -> None:
    collector = Collector()
    for _ in range(3):
        collector.telemetry.visit(CHANGED, profile="generic@1")
    counted = collector.metrics()["metergate.visit"]
    assert counted == {key(line="riser-a", profile="generic@1", outcome="event"): 3}
    assert [span.status.status_code for span in collector.spans()] == [StatusCode.UNSET] * 3


def test_figures_of_lines_and_sinks_are_read_when_the_exporter_asks() -> None:
    collector = Collector()
    line = collector.telemetry.line("riser-a")
    line.sent += 17
    line.received += 512
    line.frame_errors[FrameError.BLOCK_CHECK] += 3
    line.meters["resting"] = 2
    line.round_s = 61.5
    sink = collector.telemetry.sink("broker")
    sink.lag, sink.delay_s = 41, 12.5
    metrics = collector.metrics()
    assert metrics["metergate.line.io"] == {
        key(line="riser-a", direction="transmit"): 17,
        key(line="riser-a", direction="receive"): 512,
    }
    assert metrics["metergate.frame.errors"] == {key(line="riser-a", kind="block_check"): 3}
    assert metrics["metergate.meter.count"] == {key(line="riser-a", state="resting"): 2}
    assert metrics["metergate.line.round.duration"] == {key(line="riser-a"): 61.5}
    assert metrics["metergate.sink.lag"] == {key(sink="broker"): 41}
    assert metrics["metergate.sink.delay"] == {key(sink="broker"): 12.5}


def test_d7_the_drift_of_meters_clocks_is_told_by_line_and_profile() -> None:
    collector = Collector()
    for drift in (3, -3600, None):
        collector.telemetry.visit(evolve(GOOD, clock_drift_s=drift))
    collector.telemetry.visit(SILENT)
    ahead, behind = (key(line="riser-a", profile="generic@1", direction=side) for side in ("ahead", "behind"))
    assert collector.metrics()["metergate.meter.clock.drift"] == {ahead: 3, behind: 3600}
    assert collector.buckets("metergate.meter.clock.drift") == [(1, 0, 0, 0, 0, 0, 0), (0, 0, 0, 0, 1, 0, 0)]


def test_a_line_returns_the_same_figures_each_time() -> None:
    telemetry = Telemetry()
    telemetry.line("riser-a").sent += 1
    telemetry.line("riser-a").sent += 1
    assert telemetry.line("riser-a").sent == 2


def test_utilization_is_the_share_of_visits_since_the_last_look() -> None:
    collector = Collector()
    collector.telemetry.visit(GOOD)
    collector.now += 10.0
    assert collector.metrics()["metergate.line.utilization"] == {key(line="riser-a"): 0.25}
    collector.now += 10.0
    assert collector.metrics()["metergate.line.utilization"] == {key(line="riser-a"): 0.0}


def test_no_instrument_carries_a_serial_number() -> None:
    collector = Collector()
    collector.telemetry.visit(GOOD)
    collector.telemetry.visit(SILENT)
    assert "01234567" not in repr(collector.metrics())


def test_a_span_has_the_times_of_the_visit_and_an_event_for_each_step() -> None:
    collector = Collector()
    steps = [(Step.SIGN_ON, START + timedelta(milliseconds=200)), (Step.READOUT, START + timedelta(seconds=2))]
    collector.telemetry.visit(GOOD, steps=steps)
    (span,) = collector.spans()
    nanoseconds = int(START.timestamp()) * 10**9
    assert (span.start_time, span.end_time) == (nanoseconds, nanoseconds + 2_500_000_000)
    assert [(event.name, event.timestamp - nanoseconds) for event in span.events] == [
        ("sign_on", 200_000_000),
        ("readout", 2_000_000_000),
    ]
    assert span.attributes is not None
    assert span.attributes["serial"] == "01234567"
    assert span.status.status_code is StatusCode.UNSET


def test_a_failed_visit_has_an_error_span_with_its_message() -> None:
    collector = Collector()
    collector.telemetry.visit(SILENT)
    (span,) = collector.spans()
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description == "E-READ-1 meter flat01: no answer"
    assert span.attributes is not None
    assert span.attributes["code"] == "E-READ-1"


def test_one_good_visit_in_a_hundred_makes_a_span_but_every_failure_does() -> None:
    collector = Collector()
    for _ in range(2 * ONE_GOOD_VISIT_IN):
        collector.telemetry.visit(GOOD)
        collector.telemetry.visit(SILENT)
    outcomes = [span.attributes["outcome"] for span in collector.spans() if span.attributes is not None]
    assert outcomes.count("delivered") == 2
    assert outcomes.count("no_answer") == 2 * ONE_GOOD_VISIT_IN


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none"},
        {"OTEL_TRACES_EXPORTER": "console", "OTEL_SDK_DISABLED": "true"},
    ],
)
def test_it_is_off_unless_an_exporter_is_asked_for(environ: dict[str, str]) -> None:
    telemetry, findings = configure(environ)
    telemetry.visit(GOOD)
    assert findings == ()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("Otel")]
    assert telemetry.shutdown()


def test_off_imports_no_opentelemetry() -> None:
    program = (
        "import sys; from gateway.telemetry import configure; configure({});"
        "sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


CONSOLE_PROGRAM = """
import os
from datetime import UTC, datetime
from gateway.errors import Cause, Finding
from gateway.reading import Gap, Visit
from gateway.telemetry import configure
start = datetime(2026, 9, 30, 9, tzinfo=UTC)
telemetry, findings = configure(os.environ)
assert not findings
visit = Visit("block-12", "riser-a", "flat01", "01234567", start, start, 2500)
telemetry.visit(Gap(visit, Cause.NO_ANSWER, Finding("E-READ-1", "meter flat01", "no answer")))
assert telemetry.shutdown()
"""


def test_the_console_is_stderr_so_that_stdout_carries_data_only() -> None:
    environ = {"OTEL_TRACES_EXPORTER": "console", "OTEL_METRICS_EXPORTER": "console", "OTEL_SERVICE_NAME": "cellar"}
    done = subprocess.run(
        [sys.executable, "-c", CONSOLE_PROGRAM], env=environ, capture_output=True, text=True, check=True
    )
    assert done.stdout == ""
    assert '"serial": "01234567"' in done.stderr
    assert "metergate.visit.duration" in done.stderr
    assert '"service.name": "cellar"' in done.stderr


def test_an_unknown_exporter_is_named_with_its_variable() -> None:
    _, findings = configure({"OTEL_METRICS_EXPORTER": "carrier-pigeon"})
    assert [str(finding) for finding in findings] == [
        'W-TEL-2 telemetry: OTEL_METRICS_EXPORTER = "carrier-pigeon" is not known\n        next: console, otlp or none'
    ]


# Without a search path no distribution is found, whatever this environment has installed.
MISSING_PROGRAM = """
import sys
from gateway.telemetry import configure
sys.path.clear()
telemetry, findings = configure({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"})
print(*findings, sep="\\n")
assert telemetry.shutdown()
"""


def test_an_exporter_that_is_not_installed_is_named_with_its_install_command() -> None:
    done = subprocess.run([sys.executable, "-c", MISSING_PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        'W-TEL-1 telemetry: OTEL_TRACES_EXPORTER = "otlp" is asked for but not installed',
        "        next: pip install 'metergate[otlp]'",
        'W-TEL-1 telemetry: OTEL_METRICS_EXPORTER = "otlp" is asked for but not installed',
        "        next: pip install 'metergate[otlp]'",
    ]


def test_a_dead_collector_does_not_hold_the_process() -> None:
    answered = threading.Event()

    def wait_for_collector() -> None:
        answered.wait()

    telemetry = Telemetry(shutdowns=[wait_for_collector])
    assert not telemetry.shutdown()
    answered.set()
