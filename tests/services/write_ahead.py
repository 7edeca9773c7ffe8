"""SQLite's write-ahead log, watched from another process."""

import ctypes
import os
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_MODIFY, _IGNORED = 0x2, 0x8000
_EVENT = struct.Struct("iIII")
_HEADER, _FRAME = struct.Struct(">8I"), struct.Struct(">6I")


@contextmanager
def writes_watched(folder: Path, name: str, count: Callable[[int], None]) -> Iterator[None]:
    """Calls `count` at each write to a file of a folder, which need not exist yet, for the length of the block."""
    system = ctypes.CDLL(None, use_errno=True)
    descriptor = system.inotify_init1(os.O_CLOEXEC)
    watch = system.inotify_add_watch(descriptor, bytes(folder), _MODIFY)
    assert watch >= 0, os.strerror(ctypes.get_errno())

    def listen() -> None:
        while events := os.read(descriptor, 65536):
            while events:
                _, mask, _, length = _EVENT.unpack_from(events)
                if mask & _IGNORED:
                    return
                written = events[_EVENT.size : _EVENT.size + length].rstrip(b"\0")
                if written == name.encode():
                    count(1)
                events = events[_EVENT.size + length :]

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    try:
        yield
    finally:
        system.inotify_rm_watch(descriptor, watch)
        thread.join()
        os.close(descriptor)


def ends_within_a_commit(log: Path) -> bool:
    """Whether the newest frames of a write-ahead log belong to a transaction whose commit mark is not yet written."""
    data = log.read_bytes() if log.exists() else b""
    if len(data) < _HEADER.size:
        return False
    _, _, page, _, *salt, _, _ = _HEADER.unpack_from(data)
    is_marked = True
    for start in range(_HEADER.size, len(data) - _FRAME.size + 1, _FRAME.size + page):
        _, pages_after_commit, *salt_of_frame, _, _ = _FRAME.unpack_from(data, start)
        if salt_of_frame != salt:
            break
        is_marked = pages_after_commit > 0
    return not is_marked
