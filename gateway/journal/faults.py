"""SQLite's failures in the words of the journal."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.errors import JournalFailed, JournalForeign, JournalFull

_ROOM = "free room on that disk: the gateway goes on by itself"
_ACCESS = "look at the disk and the rights of its files: the gateway tries again by itself"
_ASIDE = "move it away together with its -wal and -shm files: a new journal is begun at the next start"

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}
_FULL = {sqlite3.SQLITE_FULL}
_FOREIGN = {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}
_FAILED = {
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_PROTOCOL,
}
_PRIMARY_CODE = 0xFF  # an extended result code carries its family in the low octet


@contextmanager
def journal_errors(path: Path) -> Iterator[None]:
    """Turns SQLite's failures that a person can mend into JournalFull, JournalFailed or JournalForeign.

    Any other error of SQLite is a bug, passed on as it is.
    """
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE
        if code in _FULL:
            raise JournalFull("E-JRN-5", f"no room to store in {path} ({error})", _ROOM) from error
        if code in _FOREIGN:
            raise damaged(path, str(error)) from error
        if code in _FAILED:
            name = getattr(error, "sqlite_errorname", "")
            raise JournalFailed("E-JRN-6", f"{path} cannot be used: {error} ({name})", _ACCESS) from error
        raise


@contextmanager
def file_errors(path: Path) -> Iterator[None]:
    """Turns the system's refusals of a file beside the journal's own into JournalFull or JournalFailed."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise JournalFull("E-JRN-5", f"no room to store in {path} ({error.strerror})", _ROOM) from error
        raise JournalFailed("E-JRN-6", f"{path} cannot be used: {error.strerror}", _ACCESS) from error


def damaged(path: Path, evidence: str) -> JournalForeign:
    """The error for a journal whose file is not sound."""
    return JournalForeign("E-JRN-4", f"{path} is damaged: {evidence}", _ASIDE)


def foreign(path: Path, evidence: str) -> JournalForeign:
    """The error for a file that another program or a newer version wrote."""
    return JournalForeign("E-JRN-3", f"{path} {evidence}", "name another data_dir, or move the file away")
