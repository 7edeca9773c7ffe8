"""What a sink is, with the built-in ones: JSON lines, CSV."""

import csv
import io
import json
import os
import re
import stat
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Generic, Protocol, TypeVar

from attrs import field, frozen, validators

from gateway.errors import TransientSinkError
from gateway.hooks import hookimpl
from gateway.reading import READING_COLUMNS, Reading, Readout, Record, local_text, utc_text, value_text

S = TypeVar("S")

STANDARD_OUTPUT = "-"

# What the columns of a csv file may be: these, or those of a version that knew no status.
_KNOWN_COLUMNS = {",".join(columns): columns for columns in (READING_COLUMNS, READING_COLUMNS[:-1])}
_LONGEST_HEADER = 1024  # octets, more than any known one

_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


class Sink(Protocol):
    """A place to which records go. Its methods block; they are called in a thread of the sink's own, one at a time."""

    def write(self, batch: Sequence[Record]) -> None:
        """Returns when the far end has durably accepted the whole batch; a batch holds at least one record.

        A batch may come again after an error or a restart: write it so that twice does no harm. Raises
        TransientSinkError when the same batch may be accepted later, PermanentSinkError when it never will;
        it is then halved until the record at fault stands alone.
        """


@frozen
class SinkKind(Generic[S]):
    """A kind of sink: `settings` is an attrs class for the keys of its `[[sink]]`, `open` makes a sink of them.

    The sink is closed by leaving the context that `open` gives. Entering may raise what `Sink.write` may raise.
    """

    settings: type[S]
    open: Callable[[S], AbstractContextManager[Sink]]


@frozen
class FileSettings:
    """Where a built-in sink writes: a file that is appended to, or "-" for standard output."""

    path: str = field(default=STANDARD_OUTPUT, validator=validators.min_len(1))


@frozen
class JsonLinesSink:
    """One line of JSON a record.

    Contract `metergate.reading/1` for a readout, `metergate.gap/1` for a gap, `metergate.event/1` for an event.
    """

    file: "AppendedFile"

    def write(self, batch: Sequence[Record]) -> None:
        """Appends the batch; raises TransientSinkError when it could not be written whole."""
        lines = (json.dumps(record.as_json(), ensure_ascii=False) for record in batch)
        self.file.append("".join(f"{line}\n" for line in lines))


@frozen
class CsvSink:
    """One row a reading, with the columns of the verb `readings`; gaps and events have no reading, so no row.

    A file that begins with the columns of an earlier version keeps them to its end.
    """

    file: "AppendedFile"
    columns: Sequence[str] = READING_COLUMNS

    def write(self, batch: Sequence[Record]) -> None:
        """Appends the batch, after a header in an empty file; raises TransientSinkError."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        if self.file.is_empty:
            writer.writerow(self.columns)
        for record in batch:
            if isinstance(record, Readout):
                writer.writerows(_csv_row(record, reading)[: len(self.columns)] for reading in record.readings)
        self.file.append(text.getvalue())


def defused(text: str | None) -> str:
    """Text for a CSV cell that no spreadsheet takes for a formula: an apostrophe goes before = + - @ TAB CR.

    A plain number stays as it is; None gives an empty cell.
    """
    if not text or _NUMBER.fullmatch(text):
        return text or ""
    return f"'{text}" if text[0] in "=+-@\t\r" else text


def _csv_row(readout: Readout, reading: Reading) -> tuple[str, ...]:
    cells = (
        readout.visit.meter,
        readout.visit.serial,
        reading.signal,
        reading.obis,
        reading.address,
        value_text(reading.value),
        reading.unit,
        reading.raw,
        reading.quality.value,
        reading.reason,
        utc_text(readout.read_at),
        None if reading.valid_at is None else utc_text(reading.valid_at),
        local_text(readout.meter_time),
        reading.status,
    )
    return tuple(defused(cell) for cell in cells)


class AppendedFile:
    """A file that only grows, whole texts at a time: what could not be written to its end is taken back.

    `first_line` is the one, without its end, that a regular file began with when it was opened.
    """

    def __init__(self, descriptor: int, name: str, *, is_regular: bool) -> None:
        self._descriptor = descriptor
        self._name = name
        self._is_regular = is_regular
        self.is_empty = True
        self.first_line = ""
        if is_regular:
            self._look_into()

    def append(self, text: str) -> None:
        """Returns when the text is written, in a regular file durably; raises TransientSinkError."""
        start = os.fstat(self._descriptor).st_size if self._is_regular else 0
        try:
            self._write(text.encode())
        except OSError as error:
            if self._is_regular:
                os.ftruncate(self._descriptor, start)
            raise _not_written(self._name, error) from error
        self.is_empty = self.is_empty and not text

    def _look_into(self) -> None:
        """Begins a new line where a killed process left half a one; learns how the file begins."""
        size = os.fstat(self._descriptor).st_size
        self.is_empty = size == 0
        if size and os.pread(self._descriptor, 1, size - 1) != b"\n":
            os.write(self._descriptor, b"\n")
        start = os.pread(self._descriptor, _LONGEST_HEADER, 0)
        self.first_line = start.partition(b"\n")[0].decode(errors="replace")

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]
        if self._is_regular:
            os.fsync(self._descriptor)


@contextmanager
def _appended(settings: FileSettings) -> Iterator[AppendedFile]:
    if settings.path == STANDARD_OUTPUT:
        # The descriptor itself: a buffer would keep what a closed pipe refused, then write it out of place.
        sys.stdout.flush()
        yield AppendedFile(sys.stdout.fileno(), "standard output", is_regular=False)
        return
    try:
        descriptor = os.open(settings.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise _not_written(settings.path, error) from error
    try:
        is_regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
        yield AppendedFile(descriptor, settings.path, is_regular=is_regular)
    finally:
        os.close(descriptor)


def _not_written(name: str, error: OSError) -> TransientSinkError:
    return TransientSinkError("W-SINK-1", f"{name} cannot be written: {error.strerror}")


def _columns_of(file: AppendedFile, name: str) -> Sequence[str]:
    if file.is_empty:
        return READING_COLUMNS
    columns = _KNOWN_COLUMNS.get(file.first_line.rstrip("\r"))
    if columns is None:
        raise TransientSinkError("W-SINK-1", f"{name} begins with other columns", "name another path, or move it away")
    return columns


@contextmanager
def open_json_lines(settings: FileSettings) -> Iterator[Sink]:
    """Opens the sink `jsonl`."""
    with _appended(settings) as file:
        yield JsonLinesSink(file)


@contextmanager
def open_csv(settings: FileSettings) -> Iterator[Sink]:
    """Opens the sink `csv`."""
    with _appended(settings) as file:
        yield CsvSink(file, _columns_of(file, settings.path))


@hookimpl
def output_sinks() -> Mapping[str, SinkKind[FileSettings]]:
    """The built-in sinks."""
    return {"jsonl": SinkKind(FileSettings, open_json_lines), "csv": SinkKind(FileSettings, open_csv)}
