"""The way of visits into OpenTelemetry spans, of figures into its instruments, where the environment asks for it."""

import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Final, TypeVar, assert_never

from attrs import frozen

from gateway.errors import Finding
from gateway.figures import LineFigures, SinkFigures, Step
from gateway.reading import Event, Gap, Readout, Record

if TYPE_CHECKING:
    from opentelemetry.metrics import CallbackOptions, Histogram, Meter, Observation
    from opentelemetry.sdk.metrics.export import MetricExporter
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Tracer

    Callback = Callable[[CallbackOptions], Iterable[Observation]]

NAME: Final = "metergate"
ONE_GOOD_VISIT_IN: Final = 100  # spans of readouts are alike; every failure, every event gets its own
SHUTDOWN_LIMIT_S: Final = 1.0  # a dead collector would hold the process for 8 to 12 s
# Seconds that meters' clocks are off: what one look cannot tell, a minute, the hour of a season, a day.
DRIFT_BOUNDARIES: Final = (3.0, 10.0, 60.0, 3540.0, 3660.0, 86_400.0)
DELIVERED: Final = "delivered"
EVENT: Final = "event"  # something was changed in the meter: the visit was good, but unlike any other
# The exporters' names in the OTEL_ variables, with their entry points in the packages that bring them.
_EXPORTERS: Final = {"console": "console", "otlp": "otlp_proto_http"}

T = TypeVar("T")
Row = tuple[float, dict[str, str]]


@frozen
class _VisitKind:
    line: str
    profile: str
    outcome: str

    def attributes(self) -> dict[str, str]:
        return {"line": self.line, "profile": self.profile, "outcome": self.outcome}


class Telemetry:
    """The counters of the gateway, exported where a tracer or a meter is given.

    Without either, counting is all that happens. `clock` gives seconds that only grow.
    """

    def __init__(
        self,
        tracer: "Tracer | None" = None,
        meter: "Meter | None" = None,
        *,
        shutdowns: Sequence[Callable[[], None]] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tracer = tracer
        self._shutdowns = tuple(shutdowns)
        self._clock = clock
        self._lines: defaultdict[str, LineFigures] = defaultdict(LineFigures)
        self._sinks: defaultdict[str, SinkFigures] = defaultdict(SinkFigures)
        self._visits: Counter[_VisitKind] = Counter()
        self._good_visits = 0
        self._observed: dict[str, tuple[float, float]] = {}
        self._since = clock()
        self._duration = None if meter is None else self._instruments(meter)
        self._drift = None if meter is None else _drift_of(meter)

    def line(self, alias: str) -> LineFigures:
        """The figures of one line, made at the first call; the same object ever after."""
        return self._lines[alias]

    def sink(self, name: str) -> SinkFigures:
        """The figures of one sink, made at the first call; the same object ever after."""
        return self._sinks[name]

    def visit(self, record: Record, profile: str = "", steps: Iterable[tuple[Step, datetime]] = ()) -> None:
        """Counts one ended visit; its span is built now, from the times of its steps.

        A readout brings its profile along; for a gap or an event `profile` is the one chosen, if it came so far.
        """
        visit = record.visit
        kind = _kind(record, profile)
        seconds = visit.duration_ms / 1000
        self._visits[kind] += 1
        self._lines[visit.line].busy_s += seconds
        if self._duration is not None:
            self._duration.record(seconds, kind.attributes())
        if self._drift is not None and isinstance(record, Readout) and record.clock_drift_s is not None:
            direction = "behind" if record.clock_drift_s < 0 else "ahead"
            attributes = {"line": visit.line, "profile": record.profile, "direction": direction}
            self._drift.record(abs(record.clock_drift_s), attributes)
        if self._tracer is not None and self._is_sampled(record):
            _build_span(self._tracer, record, kind, steps)

    def shutdown(self) -> bool:
        """Hands the last spans and figures to the exporters; False: given up after `SHUTDOWN_LIMIT_S`."""
        if not self._shutdowns:
            return True
        thread = threading.Thread(target=self._shut_down_all, name="telemetry shutdown", daemon=True)
        thread.start()
        thread.join(SHUTDOWN_LIMIT_S)
        return not thread.is_alive()

    def _shut_down_all(self) -> None:
        for shutdown in self._shutdowns:
            shutdown()

    def _is_sampled(self, record: Record) -> bool:
        if not isinstance(record, Readout):
            return True
        self._good_visits += 1
        return self._good_visits % ONE_GOOD_VISIT_IN == 1

    def _instruments(self, meter: "Meter") -> "Histogram":
        from opentelemetry.metrics import Observation  # noqa: PLC0415 - off costs no import

        def observed(rows: Callable[[], Iterable[Row]]) -> "list[Callback]":
            return [lambda _: [Observation(value, attributes) for value, attributes in rows()]]

        def lines(rows: Callable[[LineFigures], Iterable[Row]]) -> "list[Callback]":
            return observed(lambda: _labelled("line", self._lines, rows))

        def sinks(figure: Callable[[SinkFigures], float]) -> "list[Callback]":
            return observed(lambda: _labelled("sink", self._sinks, lambda figures: [(figure(figures), {})]))

        counter, gauge = meter.create_observable_counter, meter.create_observable_gauge
        counter("metergate.visit", observed(self._visit_rows), "{visit}", "Visits ended")
        counter("metergate.frame.errors", lines(_frame_error_rows), "{message}", "Messages not taken")
        counter("metergate.line.io", lines(_octet_rows), "By", "Octets on the line")
        gauge("metergate.line.utilization", observed(self._utilization_rows), "1", "Share of time spent in visits")
        gauge("metergate.line.round.duration", lines(_round_rows), "s", "Length of the last full round")
        gauge("metergate.meter.count", lines(_meter_rows), "{meter}", "Meters by state")
        gauge("metergate.sink.lag", sinks(lambda figures: figures.lag), "{record}", "Records that wait for the sink")
        gauge("metergate.sink.delay", sinks(lambda figures: figures.delay_s), "s", "Age of the oldest that waits")
        return meter.create_histogram("metergate.visit.duration", "s", "Length of a visit")

    def _visit_rows(self) -> Iterator[Row]:
        for kind, count in tuple(self._visits.items()):
            yield count, kind.attributes()

    def _utilization_rows(self) -> Iterator[Row]:
        now = self._clock()
        for alias, figures in tuple(self._lines.items()):
            busy = figures.busy_s
            since, busy_then = self._observed.get(alias, (self._since, 0.0))
            self._observed[alias] = (now, busy)
            if now > since:
                # A visit counts when it ends, so one that began before `since` could tell more than 1.
                yield min(1.0, (busy - busy_then) / (now - since)), {"line": alias}


def _drift_of(meter: "Meter") -> "Histogram":
    return meter.create_histogram(
        "metergate.meter.clock.drift",
        "s",
        "How far meters' clocks are off",
        explicit_bucket_boundaries_advisory=DRIFT_BOUNDARIES,
    )


def _labelled(label: str, known: Mapping[str, T], rows: Callable[[T], Iterable[Row]]) -> Iterator[Row]:
    # The exporter's thread reads while the loop counts: `tuple(d.items())` is one step for both.
    for name, figures in tuple(known.items()):
        for value, attributes in rows(figures):
            yield value, {label: name, **attributes}


def _frame_error_rows(figures: LineFigures) -> list[Row]:
    return [(count, {"kind": kind.value}) for kind, count in tuple(figures.frame_errors.items())]


def _octet_rows(figures: LineFigures) -> list[Row]:
    return [(figures.sent, {"direction": "transmit"}), (figures.received, {"direction": "receive"})]


def _round_rows(figures: LineFigures) -> list[Row]:
    return [(figures.round_s, {})] if figures.round_s else []


def _meter_rows(figures: LineFigures) -> list[Row]:
    return [(count, {"state": state}) for state, count in tuple(figures.meters.items())]


def _kind(record: Record, profile: str) -> _VisitKind:
    match record:
        case Readout():
            return _VisitKind(record.visit.line, record.profile, DELIVERED)
        case Gap():
            return _VisitKind(record.visit.line, profile, record.cause.value)
        case Event():
            return _VisitKind(record.visit.line, profile, EVENT)
        case _:
            assert_never(record)


def _build_span(tracer: "Tracer", record: Record, kind: _VisitKind, steps: Iterable[tuple[Step, datetime]]) -> None:
    from opentelemetry.trace import SpanKind, Status, StatusCode  # noqa: PLC0415 - off costs no import

    visit = record.visit
    span = tracer.start_span(
        "metergate.visit",
        kind=SpanKind.CLIENT,
        start_time=_nanoseconds(visit.started_at),
        attributes={
            **kind.attributes(),
            "gateway": visit.gateway,
            "meter": visit.meter,
            "serial": visit.serial,
            "attempt": visit.attempt,
        },
    )
    for step, moment in steps:
        span.add_event(step.value, timestamp=_nanoseconds(moment))
    if isinstance(record, Gap):
        span.set_attribute("code", record.finding.code)
        span.set_status(Status(StatusCode.ERROR, str(record.finding)))
    span.end(_nanoseconds(visit.started_at + timedelta(milliseconds=visit.duration_ms)))


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _nanoseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


def configure(environ: Mapping[str, str]) -> tuple[Telemetry, tuple[Finding, ...]]:
    """The telemetry that the standard OTEL_ variables ask for, with what could not be had of it.

    OTEL_TRACES_EXPORTER, OTEL_METRICS_EXPORTER: `console` (to stderr), `otlp` (over HTTP) or `none`, several parted by
    commas. Where neither is set, an OTLP endpoint variable alone means `otlp`. OTEL_SDK_DISABLED=true: off.
    The SDK reads its other variables (endpoint, headers, intervals, sampler) from the process environment itself.
    """
    wanted = {signal: _wanted(environ, signal) for signal in ("TRACES", "METRICS")}
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true" or not any(wanted.values()):
        return Telemetry(), ()
    asked = [_exporter(signal, name) for signal, names in wanted.items() for name in names]
    findings = tuple(answer for answer in asked if isinstance(answer, Finding))
    exporters = [answer for answer in asked if not isinstance(answer, Finding)]
    return (_exporting(environ, exporters) if exporters else Telemetry()), findings


def _wanted(environ: Mapping[str, str], signal: str) -> tuple[str, ...]:
    endpoints = ("OTEL_EXPORTER_OTLP_ENDPOINT", f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")
    by_endpoint = "otlp" if any(environ.get(name) for name in endpoints) else "none"
    names = (environ.get(f"OTEL_{signal}_EXPORTER") or by_endpoint).split(",")
    return tuple(name.strip() for name in names if name.strip() not in {"", "none"})


def _exporter(signal: str, name: str) -> "SpanExporter | MetricExporter | Finding":
    variable = f'OTEL_{signal}_EXPORTER = "{name}"'
    if name not in _EXPORTERS:
        return Finding("W-TEL-2", "telemetry", f"{variable} is not known", "console, otlp or none")
    for entry_point in entry_points(group=f"opentelemetry_{signal.lower()}_exporter", name=_EXPORTERS[name]):
        # stdout carries data only, so the console is stderr here.
        make: Callable[..., SpanExporter | MetricExporter] = entry_point.load()
        return make(out=sys.stderr) if name == "console" else make()
    extra = "otlp" if name == "otlp" else "telemetry"
    return Finding(
        "W-TEL-1", "telemetry", f"{variable} is asked for but not installed", f"pip install 'metergate[{extra}]'"
    )


def _exporting(environ: Mapping[str, str], exporters: Sequence["SpanExporter | MetricExporter"]) -> Telemetry:
    from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415
    from opentelemetry.sdk.metrics.export import MetricExporter, PeriodicExportingMetricReader  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    resource = Resource.create({"service.name": environ.get("OTEL_SERVICE_NAME") or NAME})
    span_exporters = [exporter for exporter in exporters if not isinstance(exporter, MetricExporter)]
    readers = [PeriodicExportingMetricReader(each) for each in exporters if isinstance(each, MetricExporter)]
    spans = TracerProvider(resource=resource, shutdown_on_exit=False)
    for exporter in span_exporters:
        spans.add_span_processor(BatchSpanProcessor(exporter))
    metrics = MeterProvider(readers, resource=resource, shutdown_on_exit=False)
    return Telemetry(
        spans.get_tracer(NAME) if span_exporters else None,
        metrics.get_meter(NAME) if readers else None,
        shutdowns=(spans.shutdown, metrics.shutdown),
    )
