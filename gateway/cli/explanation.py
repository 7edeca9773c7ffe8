"""What can be told of one stored reading, part by part."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import assert_never

from attrs import frozen

from gateway.catalog import Catalog
from gateway.cli.statement import Statement
from gateway.cli.wire_place import WirePlace, digits_of, form_of, places_in
from gateway.journal import Delivery, Provenance
from gateway.profile.interpretation import whole_addresses
from gateway.protocol.characters import ETX, BlockCheck
from gateway.protocol.check import CheckKind
from gateway.reading import Grounds, Layer, local_text, reading_as_json, utc_text
from gateway.site.model import Site

Facts = Mapping[str, object]

_ETX = bytes((ETX,))
_STX_LENGTH = 1
_BLOCK_CHECKS = {CheckKind.XOR: BlockCheck.XOR, CheckKind.SUM7: BlockCheck.SUM7}
_CONFIRMING = {
    "": "not asked for",
    "agreed": "a second read in the same slot showed the same",
    "replaced": "the first read was dismissed, this is the second one of the same slot",
    "disagreed": "a second read in the same slot showed something else",
    "failed": "a second read in the same slot failed",
}


@frozen
class Opinion:
    """What one layer of trust had to say: its word, None where it has none, then its remarks."""

    layer: Layer
    word: str | None
    remarks: tuple[str, ...]

    def as_json(self) -> Facts:
        """The same, as programs get it."""
        return {"layer": self.layer.value, "word": self.word, "remarks": list(self.remarks)}


@frozen
class Explanation:
    """A stored reading with what is stated of its register now.

    `place` is where its block holds it, None where there is no block or the meter did not print it. `key` is the name
    of its register in remarks.
    """

    provenance: Provenance
    place: WirePlace | None
    key: str
    statement: Statement

    @classmethod
    def of(cls, provenance: Provenance, catalog: Catalog, site: Site | None) -> "Explanation":
        """Finds the reading in its block: by its ordinal, else by its address with its print."""
        n, reading = provenance.n, provenance.reading
        places = places_in(provenance.readout.block)
        printed = [(place.data_set.address, ")(".join(place.data_set.raw)) for place in places]
        wanted = reading.address, reading.raw
        if printed[n : n + 1] != [wanted]:
            n = printed.index(wanted) if wanted in printed else len(printed)
        key = (*_keys([address for address, _ in printed[: n + 1]]), reading.address)[n]
        statement = Statement(provenance, key.partition("#")[0], catalog, site)
        return cls(provenance, places[n] if n < len(places) else None, key, statement)

    def as_json(self) -> dict[str, object]:
        """All parts, as programs get them."""
        return {
            "id": self.provenance.id,
            "reading": self.reading(),
            "wire": self.wire(),
            "check": self.check(),
            "layout": self.layout(),
            "profile": self.statement.facts(),
            "verdict": {**self.verdict(), "layers": [opinion.as_json() for opinion in self.opinions]},
            "sinks": [_delivery(delivery) for delivery in self.provenance.deliveries],
            "events": [event.as_json() for event in self.provenance.events],
        }

    def reading(self) -> Facts:
        """The reading itself with its times."""
        readout, reading = self.provenance.readout, self.provenance.reading
        return {
            "meter": readout.visit.meter,
            "serial": readout.visit.serial,
            "line": readout.visit.line,
            "job": readout.visit.job,
            "title": reading.title,
            **reading_as_json(reading),
            "read_at": utc_text(readout.read_at),
            "meter_time": local_text(readout.meter_time),
            "clock_drift_s": readout.clock_drift_s,
        }

    def wire(self) -> Facts:
        """The octets of its data set, with their offset in the message that carried them."""
        block, place = self.provenance.readout.block, self.place
        return {
            "note": self._absence(),
            "block_octets": len(block) or None,
            "counted_from": "STX" if self._is_framed else "the block's first character",
            "offset": place and self._offset(place.begin),
            "length": place and len(self.octets),
            "octets": place and self.octets.hex(" ").upper(),
            "text": place and self.octets.decode("latin-1"),
            "line_number": place and place.line_number,
            "line": place and place.line,
        }

    def check(self) -> Facts:
        """How the block was checked for damage."""
        readout = self.provenance.readout
        if readout.grounds is None:
            return {"kind": None, "computed": None, "parity": None, "note": "how it was checked is not recorded"}
        kind = CheckKind(readout.grounds.check)
        block_check = _BLOCK_CHECKS.get(kind) if readout.block else None
        computed = None if block_check is None else block_check.of(readout.block + _ETX)
        return {
            "kind": kind.value,
            "computed": None if computed is None else f"{computed:02X}",
            "parity": readout.grounds.parity,
            "note": _check_note(kind, has_block=bool(readout.block)),
        }

    def layout(self) -> Facts:
        """The span of its value with the form of the print, of which a stable layout lets the digits change alone."""
        place, content = self.place, self.provenance.reading.raw
        begin = end = None
        if place is not None and place.contents:
            bracket = self.statement.bracket(place.data_set)
            content = place.data_set.raw[bracket]
            begin, end = map(self._offset, place.contents[bracket])
        whole, decimals = digits_of(content) or (None, None)
        return {
            "begin": begin,
            "end": end,
            "width": len(content.partition("*")[0]),
            "whole_digits": whole,
            "decimals": decimals,
            "form": form_of(content),
        }

    def verdict(self) -> Facts:
        """What was held of the whole readout; each layer's part in it is told by `opinions`."""
        readout = self.provenance.readout
        confirming = None if readout.grounds is None else readout.grounds.confirming
        return {
            "quality": readout.quality.value,
            "reason": readout.reason,
            "confirming_read": None if confirming is None else _CONFIRMING.get(confirming, confirming),
            "note": "no verdict by layer is recorded of this readout" if readout.grounds is None else None,
        }

    @property
    def octets(self) -> bytes:
        """The characters of its data set; empty where they are not there any more."""
        return b"" if self.place is None else self.provenance.readout.block[self.place.begin : self.place.end]

    @property
    def opinions(self) -> tuple[Opinion, ...]:
        """What each layer of trust had to say of the reading or of the whole block; none where that is not recorded."""
        grounds = self.provenance.readout.grounds
        return () if grounds is None else tuple(self._opinion(grounds, layer) for layer in Layer)

    def _opinion(self, grounds: Grounds, layer: Layer) -> Opinion:
        mine = (remark for remark in grounds.remarks if remark.layer is layer and remark.register in {"", self.key})
        return Opinion(layer, _word(grounds, layer), tuple(remark.text for remark in mine))

    @property
    def _is_framed(self) -> bool:
        grounds = self.provenance.readout.grounds
        return grounds is not None and grounds.check in {CheckKind.XOR, CheckKind.SUM7}

    def _offset(self, position: int) -> int:
        return position + _STX_LENGTH if self._is_framed else position

    def _absence(self) -> str | None:
        """Why there are no octets to show; None where there are."""
        readout = self.provenance.readout
        if self.place is not None:
            return None
        if readout.block:
            return "the meter did not print it in this block"
        if readout.visit.job:
            return f"it was asked for in programming mode ({readout.visit.job}), of which no block is kept"
        return "the raw block is gone: blocks are removed after 7 days; the rest is told without it"


def _keys(addresses: Sequence[str]) -> Iterator[str]:
    """The names of registers in remarks: whole addresses, further ones of the same address with `#` and ordinal."""
    counts = Counter[str]()
    for whole in whole_addresses(addresses):
        counts[whole] += 1
        yield whole if counts[whole] == 1 else f"{whole}#{counts[whole]}"


def _check_note(kind: CheckKind, *, has_block: bool) -> str:
    match kind:
        case CheckKind.NONE:
            return "none was sent: damage would not have shown in it"
        case CheckKind.CRC16:
            return "it fitted; it covers the telegram from / to !, of which the data alone are kept"
        case CheckKind.XOR | CheckKind.SUM7 if not has_block:
            return "it fitted, else nothing had been stored"
        case CheckKind.XOR | CheckKind.SUM7:
            return "computed over the stored block; the meter sent the same, else nothing had been stored"
        case _:
            assert_never(kind)


def _word(grounds: Grounds, layer: Layer) -> str | None:
    match layer:
        case Layer.PARITY:
            return grounds.parity
        case Layer.CHECK:
            return grounds.check
        case Layer.SHAPE:
            return grounds.shape
        case Layer.IDENTITY:
            return grounds.identity
        case Layer.GRAMMAR | Layer.PLAUSIBILITY:
            return None
        case _:
            assert_never(layer)


def _delivery(delivery: Delivery) -> Facts:
    return {
        "sink": delivery.sink,
        "taken": delivery.before is None and delivery.dead_letter is None,
        "records_before": delivery.before,
        "dead_letter": delivery.dead_letter,
    }
