"""The exit codes of the command line, with what leads to them."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import TYPE_CHECKING

import click

from gateway.cli.output import report
from gateway.errors import Cause, PluginError, ProfileError, SiteError

if TYPE_CHECKING:
    from gateway.app import Tally


class Exit(IntEnum):
    """Why a command ended."""

    GOOD = 0
    USAGE = 2
    PARTIAL = 3
    NO_ANSWER = 4
    NOT_UNDERSTOOD = 5
    ACCESS_DENIED = 6
    REFUSED = 7
    WRONG_METER = 8
    NO_LINE = 69
    NO_JOURNAL = 73
    NO_SINK = 74
    INVALID = 78
    INTERRUPTED = 130


_OF_CAUSE = {
    Cause.NO_ANSWER: Exit.NO_ANSWER,
    Cause.RESTING: Exit.NO_ANSWER,
    Cause.GARBLED: Exit.NOT_UNDERSTOOD,
    Cause.ACCESS_DENIED: Exit.ACCESS_DENIED,
    Cause.REFUSED: Exit.REFUSED,
    Cause.DECODE: Exit.REFUSED,
    Cause.WRONG_METER: Exit.WRONG_METER,
    Cause.LINE_DOWN: Exit.NO_LINE,
    Cause.CANCELLED: Exit.NO_ANSWER,
    Cause.OVERRUN: Exit.NO_ANSWER,
}


def exit_of_gap(cause: Cause) -> Exit:
    """The exit code of a command whose one visit ended so."""
    return _OF_CAUSE[cause]


@contextmanager
def invalid_input() -> Iterator[None]:
    """Shows what is wrong with a site file, an endpoint, a profile or a plugin, then ends the command (78)."""
    try:
        yield
    except (SiteError, ProfileError) as error:
        for finding in error.findings:
            report(finding)
        raise click.exceptions.Exit(Exit.INVALID) from None
    except PluginError as error:
        report(error.finding("plugins"))
        raise click.exceptions.Exit(Exit.INVALID) from None


def exit_of(tally: "Tally") -> Exit:
    """The exit code of a finished run: good, partial, or why no meter at all was read."""
    if tally.interrupted_by is signal.SIGINT:
        return Exit.INTERRUPTED
    if tally.interrupted_by is not None:
        return Exit.GOOD
    if tally.gaps and tally.delivered:
        return Exit.PARTIAL
    if tally.gaps:
        causes = {_OF_CAUSE[cause] for cause in tally.gaps}
        return causes.pop() if len(causes) == 1 else Exit.NO_ANSWER
    return Exit.NO_SINK if tally.undelivered else Exit.GOOD
