"""Several simulated meters on one wire: who answers, what of it arrives when."""

import random
from collections.abc import Iterable, Iterator, Sequence

from attrs import evolve, field, frozen

from gateway.protocol.timing import wire_time
from gateway.simulator.fault import Fault
from gateway.simulator.meter import SimulatedMeter
from gateway.simulator.voice import Answer

# Octets are handed over in portions of so many seconds: one wake-up an octet would cost more than the octet.
PORTION = 0.005
# A billionth of a second: sums of floats that mean the same moment differ by less.
_TOLERANCE = 1e-9


@frozen
class Transmission:
    """Octets that follow each other on the wire without a gap; times in seconds, `speed` in baud."""

    begin: float
    octets: bytes
    speed: int
    octet_time: float

    @property
    def end(self) -> float:
        """When the last bit has left."""
        return self.begin + len(self.octets) * self.octet_time

    def octets_until(self, now: float) -> int:
        """How many octets have left the wire by then."""
        return max(0, min(len(self.octets), int((now - self.begin + _TOLERANCE) / self.octet_time)))

    def after(self, octets: int) -> "Transmission":
        """What is left of it after so many octets."""
        return evolve(self, begin=self.begin + octets * self.octet_time, octets=self.octets[octets:])


class SimulatedBus:
    """A shared wire: every meter hears the reader, octets of meters that speak at once are ANDed bit by bit.

    `time_scale` divides every time of the wire. An echo fault of any meter makes the line return the reader's octets.
    """

    def __init__(self, meters: Sequence[SimulatedMeter], *, time_scale: float = 1.0, seed: str = "") -> None:
        self.meters = tuple(meters)
        self.time_scale = time_scale
        self.has_echo = any(Fault.ECHO in meter.plate.faults for meter in meters)
        self._chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self._transmissions: list[Transmission] = []
        self._heard_until = float("-inf")
        self._lapse_due = float("inf")  # when the first meter will speak unasked

    @property
    def next_due(self) -> float:
        """When the next portion is complete or a meter will speak unasked; infinite while all meters are silent."""
        if not self._transmissions:
            return self._lapse_due
        first = self._transmissions[0]
        octets = min(len(first.octets), 1 + int(PORTION / first.octet_time))
        return min(self._lapse_due, first.begin + octets * first.octet_time)

    def hear(self, octets: bytes, begin: float, speed: int) -> None:
        """Octets of the reader whose first bit came at `begin`; they last as long as the wire needs for them."""
        said = self._transmission(max(begin, self._heard_until), octets, speed)
        self._lapse(said.begin)
        self._heard_until = said.end
        new = [said] if self.has_echo else []
        for meter in self.meters:
            new += self._answered(meter.hear(octets, speed, said.begin, said.end), said.end)
        self._add(new)

    def take(self, now: float, speed: int) -> bytes:
        """The octets that have arrived by now; a reader at another speed than the meter's gets garbage."""
        self._lapse(now)
        arrived = bytearray()
        while self._transmissions and (count := self._transmissions[0].octets_until(now)):
            first = self._transmissions.pop(0)
            arrived += first.octets[:count] if first.speed == speed else self._chance.randbytes(count)
            if count < len(first.octets):
                self._transmissions.insert(0, first.after(count))
                break
        return bytes(arrived)

    def hang_up(self) -> None:
        """The reader has gone: what is still being said reaches nobody."""
        self._transmissions.clear()

    def _lapse(self, now: float) -> None:
        """Lets the meters speak that want to by now without having been asked."""
        while self._lapse_due <= now + _TOLERANCE:
            meter = min(self.meters, key=lambda one: one.due)
            moment = meter.due
            self._add(list(self._answered(meter.lapse(), moment)))

    def _answered(self, answers: Iterable[Answer], moment: float) -> Iterator[Transmission]:
        for answer in answers:
            said = self._transmission(moment + answer.pause, answer.octets, answer.speed)
            yield said
            moment = said.end

    def _add(self, new: Sequence[Transmission]) -> None:
        if new:
            self._transmissions = list(_collided([*self._transmissions, *new]))
        self._lapse_due = min((meter.due for meter in self.meters), default=float("inf"))

    def _transmission(self, begin: float, octets: bytes, speed: int) -> Transmission:
        return Transmission(begin, octets, speed, wire_time(1, speed) / self.time_scale)


@frozen
class _Group:
    members: list[Transmission] = field(factory=list)

    @property
    def end(self) -> float:
        return max(member.end for member in self.members)


def _collided(transmissions: Iterable[Transmission]) -> Iterator[Transmission]:
    """The same wire without overlaps, in the order of time."""
    group = _Group()
    for transmission in sorted(transmissions, key=lambda one: one.begin):
        if group.members and transmission.begin >= group.end - _TOLERANCE:
            yield from _wired_and(group.members)
            group = _Group()
        group.members.append(transmission)
    yield from _wired_and(group.members)


def _wired_and(members: Sequence[Transmission]) -> Iterator[Transmission]:
    """What a receiver makes of overlapping transmissions: what begins during an octet falls into it."""
    if len(members) == 1:
        yield members[0]
        return
    octets = [
        evolve(member.after(n), octets=member.octets[n : n + 1])
        for member in members
        for n in range(len(member.octets))
    ]
    octets.sort(key=lambda octet: octet.begin)
    received = octets[0]
    for octet in octets[1:]:
        if octet.begin < received.end - _TOLERANCE:
            received = evolve(received, octets=bytes((received.octets[0] & octet.octets[0],)))
        else:
            yield received
            received = octet
    yield received
