"""The key beside the journal."""

import errno
import os
from pathlib import Path

import pytest

from gateway.errors import JournalFailed, JournalForeign, JournalFull
from gateway.journal import Journal, Store
from gateway.journal.directory import KEY_NAME, KEY_OCTETS, key_of
from gateway.journal.faults import file_errors

pytestmark = pytest.mark.anyio


async def test_a_journal_has_one_key_for_ever(tmp_path: Path) -> None:
    async with Journal.open(tmp_path, inline=True) as journal:
        key = journal.key
    assert len(key) == KEY_OCTETS
    async with Journal.open(tmp_path, inline=True) as journal:
        assert journal.key == key


def test_each_journal_has_a_key_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    assert key_of(tmp_path) != key_of(tmp_path / "other")


def test_the_key_is_for_its_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        key_of(tmp_path)
    finally:
        os.umask(before)
    assert (tmp_path / KEY_NAME).stat().st_mode & 0o777 == 0o600


def test_the_key_stands_in_no_repr(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.open()
    store.close()
    assert repr(store.key) not in repr(store)


@pytest.mark.parametrize("octets", [0, KEY_OCTETS - 1, KEY_OCTETS + 1])
async def test_a_key_of_another_length_is_refused_unchanged(tmp_path: Path, octets: int) -> None:
    (tmp_path / KEY_NAME).write_bytes(bytes(octets))
    with pytest.raises(JournalForeign, match=f"{octets} octets instead of {KEY_OCTETS}") as refused:
        async with Journal.open(tmp_path, inline=True):
            pass
    assert refused.value.code == "E-JRN-10"
    assert (tmp_path / KEY_NAME).read_bytes() == bytes(octets)
    (tmp_path / KEY_NAME).unlink()
    async with Journal.open(tmp_path, inline=True):
        pass  # neither the lock nor the file is still held


def test_what_a_kill_left_of_a_key_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / f"{KEY_NAME}.new").write_bytes(b"half a key")
    assert len(key_of(tmp_path)) == KEY_OCTETS
    assert [path.name for path in tmp_path.iterdir()] == [KEY_NAME]


def test_a_key_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / KEY_NAME).mkdir()
    with pytest.raises(JournalFailed, match="Is a directory") as refused:
        key_of(tmp_path)
    assert refused.value.code == "E-JRN-6"


def test_no_room_beside_the_journal_is_told_as_no_room_in_it(tmp_path: Path) -> None:
    with pytest.raises(JournalFull) as refused, file_errors(tmp_path / KEY_NAME):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert refused.value.code == "E-JRN-5"
