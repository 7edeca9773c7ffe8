"""Serial ports on real pseudo-terminals: octets, parity, speed, and what goes wrong with a port."""

import contextlib
import os
import subprocess
import sys
import termios
import tty
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import anyio
import pytest
from attrs import evolve, frozen

from gateway.errors import LineBusy, LineError, LineLost, LineMissing
from gateway.line.opening import open_line
from gateway.protocol.characters import CharacterFormat, Parity, with_even_parity, with_odd_parity
from gateway.site.model import FlowControl, LineSettings, SerialPort

pytestmark = [pytest.mark.anyio, pytest.mark.real_time]

WORDS = b"/?41770326!\r\n"
_CONTROL, _OUTPUT_SPEED = 2, 5


@frozen
class FarEnd:
    """The other end of a pseudo-terminal."""

    master: int
    path: str

    def settings(self, form: CharacterFormat | None = None) -> LineSettings:
        plain = LineSettings("", SerialPort(self.path), baudrate=9600, serial_close_delay=0)
        return plain if form is None else evolve(plain, format=form)

    def write(self, octets: bytes) -> None:
        os.write(self.master, octets)

    def read(self) -> bytes:
        return os.read(self.master, 4096)

    def speed(self) -> int:
        return int(termios.tcgetattr(self.master)[_OUTPUT_SPEED])

    def hang_up(self) -> None:
        os.close(self.master)


@pytest.fixture
def far_end() -> Iterator[FarEnd]:
    master, slave = os.openpty()
    tty.setraw(slave)
    path = os.ttyname(slave)
    os.close(slave)
    yield FarEnd(master, path)
    with contextlib.suppress(OSError):
        os.close(master)


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (CharacterFormat(), with_even_parity(WORDS)),
        (CharacterFormat(7, Parity.ODD), with_odd_parity(WORDS)),
        (CharacterFormat(8, Parity.NONE), WORDS),
        (CharacterFormat(8, Parity.EVEN), WORDS),
    ],
    ids=str,
)
async def test_parity_of_seven_data_bits_is_made_in_software(
    far_end: FarEnd, form: CharacterFormat, expected: bytes
) -> None:
    async with open_line(far_end.settings(form)) as line:
        await line.send(WORDS)
        assert far_end.read() == expected
        assert line.octets_sent == len(WORDS)


@pytest.mark.parametrize("form", [CharacterFormat(), CharacterFormat(7, Parity.ODD)], ids=str)
async def test_octets_come_with_even_parity_for_the_session_to_judge(far_end: FarEnd, form: CharacterFormat) -> None:
    make = with_odd_parity if form.parity is Parity.ODD else with_even_parity
    async with open_line(far_end.settings(form)) as line:
        far_end.write(make(WORDS))
        assert await line.receive() == with_even_parity(WORDS)
        assert line.octets_received == len(WORDS)


@pytest.mark.parametrize("form", [CharacterFormat(), CharacterFormat(7, Parity.ODD)], ids=str)
async def test_the_driver_is_told_eight_bits_without_parity(far_end: FarEnd, form: CharacterFormat) -> None:
    async with open_line(far_end.settings(form)):
        control = termios.tcgetattr(far_end.master)[_CONTROL]
        assert control & termios.CSIZE == termios.CS8
        assert not control & termios.PARENB


async def test_every_octet_passes_both_ways_unchanged(far_end: FarEnd) -> None:
    octets = bytes(range(256))
    async with open_line(far_end.settings(CharacterFormat(8, Parity.NONE))) as line:
        await line.send(octets)
        assert far_end.read() == octets
        far_end.write(octets)
        assert await line.receive() == octets


async def test_the_speed_is_set_at_the_driver(far_end: FarEnd) -> None:
    async with open_line(evolve(far_end.settings(), baudrate=300)) as line:
        assert (line.speed, far_end.speed(), line.can_change_speed) == (300, termios.B300, True)
        await line.set_speed(19200)
        assert (line.speed, far_end.speed()) == (19200, termios.B19200)


async def test_send_returns_when_the_last_bit_has_left(far_end: FarEnd) -> None:
    async with open_line(far_end.settings()) as line:
        begin = anyio.current_time()
        await line.send(bytes(96))
        assert anyio.current_time() >= begin + 0.1
        assert line.quiet_since >= begin + 0.1


async def test_the_port_is_closed_so_long_after_the_last_octet(far_end: FarEnd) -> None:
    async with open_line(evolve(far_end.settings(), serial_close_delay=150)) as line:
        await line.send(b"\x06")
        last = line.quiet_since
    assert anyio.current_time() >= last + 0.15
    far_end.write(b"late")
    async with open_line(far_end.settings()) as line:
        await line.send(b"again")


async def test_a_cancelled_receive_loses_no_octet(far_end: FarEnd) -> None:
    async with open_line(far_end.settings()) as line:
        for _ in range(3):
            with anyio.move_on_after(0.01):
                await line.receive()
        far_end.write(with_even_parity(WORDS))
        with anyio.CancelScope() as scope:
            scope.cancel()
            await line.receive()
        assert await line.receive() == with_even_parity(WORDS)


@pytest.mark.parametrize("act", ["send", "receive", "set_speed"])
async def test_a_hang_up_is_told_by_whatever_is_done_next(far_end: FarEnd, act: str) -> None:
    async with open_line(far_end.settings()) as line:
        far_end.hang_up()
        acts: dict[str, Callable[[], Awaitable[object]]] = {
            "send": lambda: line.send(WORDS),
            "receive": line.receive,
            "set_speed": lambda: line.set_speed(300),
        }
        with pytest.raises(LineLost) as lost:
            await acts[act]()
    assert lost.value.code == "E-LINE-5"
    assert far_end.path in lost.value.what


async def test_a_hang_up_wakes_up_who_listens(far_end: FarEnd) -> None:
    async with open_line(far_end.settings()) as line, anyio.create_task_group() as group:

        async def listen() -> None:
            with pytest.raises(LineLost):
                await line.receive()

        group.start_soon(listen)
        await anyio.wait_all_tasks_blocked()
        far_end.hang_up()


async def test_a_far_end_that_takes_nothing_does_not_hold_the_line_for_ever(far_end: FarEnd) -> None:
    async with open_line(evolve(far_end.settings(), baudrate=115200, time_scale=1000)) as line:
        with pytest.raises(LineLost, match="takes no octets"):
            await line.send(bytes(200_000))


# Ports that cannot be opened


async def test_a_missing_port_is_named_with_those_that_are_present(tmp_path: Path) -> None:
    settings = LineSettings("", SerialPort(str(tmp_path / "ttyUSB7")))
    with pytest.raises(LineMissing, match=r"ttyUSB7 does not exist\. Present now: ") as missing:
        async with open_line(settings):
            pass
    assert missing.value.code == "E-LINE-1"


@contextlib.contextmanager
def held(path: str) -> Iterator[int]:
    """Another process has the port open, under a name that is no UTF-8; gives its number."""
    hold = (
        "import serial, sys; open('/proc/self/comm', 'wb').write(b'z\\xe4hler');"
        "port = serial.Serial(sys.argv[1], exclusive=True); print('held', flush=True); input()"
    )
    command = [sys.executable, "-c", hold, path]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        yield holder.pid
        holder.communicate(b"\n")


async def test_a_port_that_another_process_holds_is_named_with_its_holder(far_end: FarEnd) -> None:
    with held(far_end.path) as process, pytest.raises(LineBusy, match=rf"is held by process {process} \(.+\)") as busy:
        async with open_line(far_end.settings()):
            pass
    assert busy.value.code == "E-LINE-3"
    async with open_line(far_end.settings()) as line:
        await line.send(b"free")


async def test_a_port_is_kept_from_a_second_reader_of_this_process(far_end: FarEnd) -> None:
    async with open_line(far_end.settings()):
        with pytest.raises(LineBusy):
            async with open_line(far_end.settings()):
                pass


async def test_what_is_no_terminal_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.touch()
    with pytest.raises(LineError, match="cannot be used as a serial port") as refused:
        async with open_line(LineSettings("", SerialPort(str(file)))):
            pass
    assert refused.value.code == "E-LINE-6"


async def test_a_link_leads_to_its_port(far_end: FarEnd, tmp_path: Path) -> None:
    link = tmp_path / "usb-port0"
    link.symlink_to(far_end.path)
    async with open_line(evolve(far_end.settings(), endpoint=SerialPort(str(link)))) as line:
        await line.send(b"\x06")
    assert far_end.read() == b"\x06"


async def test_flow_control_is_left_alone_unless_asked_for(far_end: FarEnd) -> None:
    async with open_line(far_end.settings()):
        assert not termios.tcgetattr(far_end.master)[0] & (termios.IXON | termios.IXOFF)
    async with open_line(evolve(far_end.settings(), flowcontrol=FlowControl.XONXOFF)):
        assert termios.tcgetattr(far_end.master)[0] & termios.IXON
