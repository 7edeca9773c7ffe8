"""What a gateway remembers of a meter, across restarts."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from gateway.errors import JournalForeign
from gateway.experience import Announced, Experience, Remembered
from gateway.journal import FILE_NAME, Journal
from gateway.memory import Latch, MeterMemory

AT = datetime(2026, 9, 14, 9, 0, tzinfo=UTC)
FULL = MeterMemory(
    "/XMP5VERBA",
    latch=Latch("env:METER", "digest", is_refused=True),
    experience=Experience(
        "41770326",
        Remembered(b"1.8.0(1*kWh)\r\n!\r\n", AT),
        Remembered(b"1.8.0(0*kWh)\r\n!\r\n", AT),
        frozenset({"zero 1.8.0", "once: backwards 1.8.1"}),
        AT,
        {"1.8.0": Decimal("0.5")},
        {"1.8.0": AT},
        {"C.1": ["00", "000"]},
        {"96.5"},
        frozenset({"0.2.0"}),
        {"range 32.7"},
        -3,
        Announced(AT, {"1.8.0": "1"}, {"1.8.0": "0"}),
    ),
)


def test_all_that_is_remembered_outlives_the_process() -> None:
    assert MeterMemory.from_text(FULL.to_text()) == FULL


def test_what_an_older_version_wrote_has_no_experience() -> None:
    assert MeterMemory.from_text('{"identification": "/XMP5VERBA"}') == MeterMemory("/XMP5VERBA")


def test_what_a_newer_version_wrote_besides_is_left_out() -> None:
    stored = json.loads(FULL.to_text())
    stored["experience"]["other"] = stored["other"] = [1]
    assert MeterMemory.from_text(json.dumps(stored)) == FULL


@pytest.mark.anyio
@pytest.mark.real_time
@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"latch": ["env:METER"]}',
        '{"experience": 7}',
        '{"experience": {"identity": 7}}',
        '{"experience": {"drift_s": "7"}}',
        '{"experience": {"accepted": ["1.8.0(1)"]}}',
        '{"experience": {"accepted": ["\\u20ac", "2026-09-14T09:00:00+00:00"]}}',
        '{"experience": {"peaks": {"1.8.0": "fast"}}}',
        '{"experience": {"moved": {"1.8.0": 1e30}}}',
        '{"experience": {"announced": {"at": "2026-09-14T09:00:00+00:00"}}}',
    ],
)
async def test_a_memory_that_is_damaged_is_told_with_the_meter_it_is_of(tmp_path: Path, text: str) -> None:
    async with Journal.open(tmp_path, inline=True) as journal:
        await journal.remember("flat01", FULL)
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as damaging, damaging:
        assert damaging.execute("UPDATE memory SET text = ?", (text,)).rowcount == 1
    async with Journal.open(tmp_path, inline=True) as journal:
        with pytest.raises(JournalForeign, match="what it remembers of flat01 is no memory of a meter") as told:
            await journal.memories()
    assert told.value.code == "E-JRN-4"
