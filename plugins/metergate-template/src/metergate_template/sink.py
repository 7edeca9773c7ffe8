"""A sink that writes one line a record to a file."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path

from attrs import field, frozen, validators

from gateway import Event, Gap, Readout, Record, TransientSinkError


@frozen
class LogSettings:
    """The keys of the [[sink]] table beside name and type; Metergate refuses every other."""

    path: str = field(validator=validators.min_len(1))


@frozen
class Log:
    """Appends to an open file; plain blocking code, called in a thread of its own."""

    file: TextIOWrapper

    def write(self, batch: Sequence[Record]) -> None:
        """Returns when the whole batch is on the disk.

        Raises TransientSinkError where that failed: the same batch comes again later, so a line may stand twice.
        """
        try:
            self.file.writelines(line(record) for record in batch)
            self.file.flush()
            os.fsync(self.file.fileno())
        except OSError as error:
            raise TransientSinkError("W-SINK-1", f"{self.file.name} cannot be written: {error.strerror}") from error


def line(record: Record) -> str:
    """One record for a person: when, which meter, what came of it."""
    visit = record.visit
    match record:
        case Readout(readings=readings, quality=quality):
            told = f"{len(readings)} readings, {quality.value}"
        case Gap(cause=cause):
            told = f"no readings: {cause.value}"
        case Event(text=text):
            told = text
    return f"{visit.started_at:%Y-%m-%d %H:%M:%S} {visit.meter}: {told}\n"


@contextmanager
def open_log(settings: LogSettings) -> Iterator[Log]:
    """Opens the file; leaving the context closes it. Raises TransientSinkError where it cannot be opened."""
    try:
        file = Path(settings.path).open("a", encoding="utf-8")  # noqa: SIM115 - closed below, apart from what opening raises
    except OSError as error:
        raise TransientSinkError("W-SINK-1", f"{settings.path} cannot be opened: {error.strerror}") from error
    with file:
        yield Log(file)
