"""One job that a person asks of one meter: its record, or the end of the command with its reason."""

import functools
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TypeVar, assert_never

import click
import trio
from attrs import evolve

from gateway.access import permit
from gateway.app import App, Tally
from gateway.cli.exits import Exit, exit_of_gap, invalid_input
from gateway.cli.output import Output, fail, printable, report
from gateway.cli.target import Target, allowing_writes
from gateway.errors import Finding, JournalError, Refused
from gateway.failure import where
from gateway.job import Job
from gateway.obis import parse_obis
from gateway.reading import Event, Gap, Quality, Readout, Record
from gateway.work import Terms

R = TypeVar("R")
CHANGE_COLUMNS = ("register", "old", "new", "confirmed")
# A person stands behind the command: the password goes to the meter that is found there.
ASKING = Terms(consents=True)
PATIENCE = 2.0  # seconds after which a person wants to know that it goes on


def change_options(verb: Callable[..., R]) -> Callable[..., R]:
    """Adds `--yes` and `--allow-write` to a verb that changes a meter, which gets `terms` and its target allowed."""

    @click.option("--yes", is_flag=True, help="The meter shall really be changed.")
    @click.option("--allow-write", is_flag=True, help="Allow writing where there is no site file to do so.")
    @functools.wraps(verb)
    def with_terms(target: Target, *, yes: bool, allow_write: bool, **rest: object) -> R:
        allowed = allowing_writes(target, allow_write=allow_write)
        return verb(target=allowed, terms=evolve(ASKING, confirmed=yes), **rest)

    return with_terms


def check_permitted(target: Target, terms: Terms, what: str) -> None:
    """Ends the command (7) before anything is sent where `what` may not be changed; a name is judged by its address."""
    access, meter = target.site.access, target.meter
    if parse_obis(what) is None:
        access, meter = evolve(access, writable=()), evolve(meter, writable=None)
    try:
        permit(what, access, meter, confirmed=terms.confirmed)
    except Refused as refusal:
        raise fail(refusal, where(target.known), Exit.REFUSED) from None


def readout_of(target: Target, job: Job, terms: Terms, limit: float | None = None) -> Readout:
    """What a job has read; anything else ends the command with its message."""
    record = done(target, job, terms, limit)
    if not isinstance(record, Readout):
        raise TypeError(f"{job} gave {type(record).__name__}")
    record = evolve(record, visit=evolve(record.visit, meter=target.meter.device_alias))
    if record.reason:
        click.echo(printable(f"{where(target.known)}: {record.reason}"), err=True)
    return record


def changed(target: Target, job: Job, terms: Terms, output: Output, limit: float | None = None) -> None:
    """Does a job that changes the meter, prints old and new; exit 7 where the new value was not confirmed."""
    record = done(target, job, terms, limit)
    if not isinstance(record, Event):
        raise TypeError(f"{job} gave {type(record).__name__}")
    click.echo(printable(record.text), err=True)
    output.rows(CHANGE_COLUMNS, [change_row(record.details)])
    if not record.details["confirmed"]:
        click.echo("not confirmed: it is not sent again; look at the meter before you repeat the command", err=True)
        raise click.exceptions.Exit(Exit.REFUSED)


def change_row(details: Mapping[str, str | bool | None]) -> dict[str, object]:
    """The details of a change, as they are printed."""
    return {column: details[column] for column in CHANGE_COLUMNS}


def exit_of_readings(readout: Readout) -> Exit:
    """Refused (7) where a register is missing or cannot be decoded."""
    is_bad = any(reading.quality is Quality.BAD for reading in readout.readings)
    return Exit.REFUSED if is_bad else Exit.GOOD


def done(target: Target, job: Job, terms: Terms, limit: float | None = None) -> Readout | Event:
    """The record of a job; a gap, a signal, a journal that cannot be used or `limit` seconds end the command."""
    with invalid_input():
        app = target.app()
    tally, records = Tally(), list[Record]()
    terms = evolve(terms, presents=target.is_password_given)
    try:
        is_timely = trio.run(_perform, evolve(app, watch=records.append), target, job, terms, limit, tally)
    # It fails before the tasks have begun, or in one of them.
    except* JournalError as group:
        failure = _first(group)
    else:
        return _good(records[-1], target, tally, is_timely=is_timely)
    finally:
        app.telemetry.shutdown()
    raise fail(failure, "journal", Exit.NO_JOURNAL)


def _good(record: Record, target: Target, tally: Tally, *, is_timely: bool) -> Readout | Event:
    """The record, or the end of the command with the reason why there is none."""
    match record:
        case Gap(finding=finding) if tally.interrupted_by is not None:
            report(finding)
            raise click.exceptions.Exit(Exit.INTERRUPTED if tally.interrupted_by is signal.SIGINT else Exit.GOOD)
        case Gap() if not is_timely:
            report(Finding("W-READ-12", where(target.known), "the time was up before the meter had answered"))
            raise click.exceptions.Exit(Exit.NO_ANSWER)
        case Gap(cause=cause, finding=finding):
            report(finding)
            raise click.exceptions.Exit(exit_of_gap(cause))
        case Readout() | Event():
            return record
        case _:
            assert_never(record)


async def _perform(app: App, target: Target, job: Job, terms: Terms, limit: float | None, tally: Tally) -> bool:
    """False where the time was up; the record has gone to the app's `watch`."""
    async with _patience(where(target.known)):
        with trio.move_on_after(float("inf") if limit is None else limit) as scope:
            keeps = not target.is_endpoint
            await app.perform(job, target.known, target.data_dir, terms, tally, keeps_readings=keeps)
    return not scope.cancelled_caught


@asynccontextmanager
async def _patience(name: str) -> AsyncIterator[None]:
    """Shows on a terminal that the command goes on, second by second."""
    if not sys.stderr.isatty():
        yield
        return
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_tell_time, name)
        try:
            yield
        finally:
            nursery.cancel_scope.cancel()


async def _tell_time(name: str) -> None:
    begin = trio.current_time()
    await trio.sleep(PATIENCE)
    try:
        while True:
            click.echo(f"\r{name}: at work for {trio.current_time() - begin:.0f} s", err=True, nl=False)
            await trio.sleep(1)
    finally:
        click.echo("\r\x1b[K", err=True, nl=False)


def _first(group: ExceptionGroup[JournalError]) -> JournalError:
    one = group.exceptions[0]
    return _first(one) if isinstance(one, ExceptionGroup) else one
