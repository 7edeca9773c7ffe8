"""The data directory around the journal's SQLite file."""

import fcntl
import os
import secrets
from contextlib import ExitStack
from pathlib import Path

from gateway.errors import JournalFailed, JournalForeign
from gateway.journal.faults import file_errors

LOCK_NAME = "metergate.lock"
KEY_NAME = "metergate.key"
KEY_OCTETS = 32


def take_directory(data_dir: Path) -> int:
    """Makes the directory where it is missing, locks it against a second gateway until the descriptor is closed.

    Raises JournalFailed where it cannot be written, JournalForeign where another gateway has it.
    """
    with ExitStack() as undone:
        try:
            data_dir.mkdir(parents=True, exist_ok=True)
            lock = os.open(data_dir / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            undone.callback(os.close, lock)
            _lock(lock, data_dir)
        except OSError as error:
            raise JournalFailed(
                "E-JRN-1",
                f"the data directory {data_dir} cannot be written: {error.strerror}",
                "name another data_dir, or give this user the right to write there",
            ) from error
        undone.pop_all()
    return lock


def key_of(data_dir: Path) -> bytes:
    """The secret under which hashes of this directory's journal are keyed; drawn at random at the first call.

    It never changes, so that a hash that is stored today can be compared with one of next year. JournalForeign where
    the file has another length, JournalFull or JournalFailed where it cannot be read or made.
    """
    path = data_dir / KEY_NAME
    with file_errors(path):
        if not path.exists():
            _write_key(path)
        key = path.read_bytes()
    if len(key) != KEY_OCTETS:
        raise JournalForeign(
            "E-JRN-10",
            f"{path} is no key of Metergate: {len(key)} octets instead of {KEY_OCTETS}",
            "restore it, or remove it: a new one is made, and a refused password may be tried once more",
        )
    return key


def make_names_durable(directory: Path) -> None:
    """Returns when the names of new files in a directory would survive a power cut."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _lock(lock: int, data_dir: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(lock, 32, 0).decode("ascii", "replace").strip()
        raise JournalForeign(
            "E-JRN-2",
            f"{data_dir} is in use by another gateway, process {holder or 'unknown'}",
            "stop that process, or name another data_dir",
        ) from error
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode("ascii"), 0)


def _write_key(path: Path) -> None:
    """Whole or not at all: a key that a kill cut short would lock its owner out."""
    unfinished = path.with_suffix(".key.new")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, secrets.token_bytes(KEY_OCTETS))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    unfinished.rename(path)
    make_names_durable(path.parent)
