"""The log of a running gateway, on standard error."""

import json
from datetime import UTC, datetime
from typing import assert_never

import click
from attrs import frozen

from gateway.cli.output import printable, report
from gateway.errors import Finding
from gateway.reading import Event, Gap, Quality, Readout, Record, Visit, utc_text
from gateway.site.model import LogFormat, LogLevel

_LEVELS = tuple(LogLevel)


@frozen
class Log:
    """Tells messages and visits as far as its level goes: one line of text each, or one JSON object a line."""

    level: LogLevel = LogLevel.INFO
    form: LogFormat = LogFormat.TEXT

    def tell(self, finding: Finding) -> None:
        """A message: an error, or from the level `warn` on a warning."""
        level = LogLevel.ERROR if finding.is_error else LogLevel.WARN
        if not self._tells(level):
            return
        if self.form is LogFormat.TEXT:
            report(finding)
        else:
            self._write(level, code=finding.code, where=finding.where, text=finding.what, next=finding.next)

    def watch(self, record: Record) -> None:
        """A readout, an event, from the level `info` on; `debug` adds what is known. A gap was told by its message."""
        if not self._tells(LogLevel.INFO):
            return
        match record:
            case Readout():
                self._watch(record.visit, record.read_at, self._readout_text(record))
            case Event():
                self._watch(record.visit, record.at, record.text)
            case Gap():
                pass
            case _:
                assert_never(record)

    def _readout_text(self, readout: Readout) -> str:
        visit = readout.visit
        what = f"{visit.job}: {len(readout.readings)} readings" if visit.job else f"{len(readout.readings)} registers"
        text = f"{what} in {visit.duration_ms} ms"
        if visit.attempt > 1:
            text += f", try {visit.attempt}"
        if readout.reason and (visit.job or readout.quality is not Quality.GOOD) and not self._tells(LogLevel.DEBUG):
            text += f"; {'' if readout.quality is Quality.GOOD else f'{readout.quality.value}: '}{readout.reason}"
        if self._tells(LogLevel.DEBUG):
            known = (readout.identification, readout.profile, readout.quality.value, readout.reason)
            text += f"; {', '.join(filter(None, known))}"
        return text

    def _watch(self, visit: Visit, moment: datetime, text: str) -> None:
        if self.form is LogFormat.TEXT:
            click.echo(printable(f"{utc_text(moment)} {visit.line} {visit.meter}: {text}"), err=True)
        else:
            self._write(LogLevel.INFO, line=visit.line, meter=visit.meter, text=text)

    def _tells(self, level: LogLevel) -> bool:
        return _LEVELS.index(level) <= _LEVELS.index(self.level)

    def _write(self, level: LogLevel, **told: str | None) -> None:
        moment = utc_text(datetime.now(UTC))
        click.echo(json.dumps({"time": moment, "level": level.value, **told}, ensure_ascii=False), err=True)


def louder(level: LogLevel, steps: int) -> LogLevel:
    """The level so many steps above another one, `debug` at most."""
    return _LEVELS[min(_LEVELS.index(level) + steps, len(_LEVELS) - 1)]
