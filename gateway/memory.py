"""What is learned of one meter from visit to visit."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from attrs import define, field, frozen

from gateway.experience import Experience
from gateway.protocol.characters import BlockCheck
from gateway.protocol.datablock import BlockParser


@frozen
class Latch:
    """A password that this meter has refused, or may have: it is not sent again while reference and secret stay.

    `digest` is a keyed hash of the secret; `is_refused` False: it was sent, the meter's answer is not known.
    """

    reference: str
    digest: str
    is_refused: bool


@frozen
class OpenSession:
    """A programming session that was begun and not yet left: a meter that a crash left in it is freed by a break.

    `speed` in baud is that of the session.
    """

    speed: int
    check: BlockCheck


@define
class MeterMemory:
    """The gateway's knowledge of one meter, kept in the journal; the layout of its blocks is learned anew.

    `identification` is the last one seen, `block_octets` the length of the last good block,
    `framed` tells whether that block came between STX and ETX. `pinned` is the identification that passwords go to,
    `accepted` the keyed hash of the password that the meter took last. `stored_until` is the end of the newest stored
    interval or entry of each series, by its code. `experience` is what its values are judged by.
    """

    identification: str | None = None
    block_octets: int | None = None
    framed: bool | None = None
    pinned: str | None = None
    accepted: str | None = None
    latch: Latch | None = None
    open_session: OpenSession | None = None
    stored_until: dict[str, datetime] = field(factory=dict)
    experience: Experience = field(factory=Experience)
    blocks: BlockParser = field(factory=BlockParser, eq=False)

    def to_text(self) -> str:
        """What outlives the process, as JSON."""
        latch, session = self.latch, self.open_session
        return json.dumps(
            {
                "identification": self.identification,
                "block_octets": self.block_octets,
                "framed": self.framed,
                "pinned": self.pinned,
                "accepted": self.accepted,
                "latch": None if latch is None else [latch.reference, latch.digest, latch.is_refused],
                "open_session": None if session is None else [session.speed, session.check.value],
                "stored_until": {code: moment.isoformat() for code, moment in self.stored_until.items()},
                "experience": self.experience.to_json(),
            }
        )

    @classmethod
    def from_text(cls, text: str) -> "MeterMemory":
        """The memory that `to_text` wrote; unknown keys of a newer version are left out.

        Raises ValueError, TypeError, AttributeError, LookupError or ArithmeticError for any other text.
        """
        stored = json.loads(text)
        latch, session = stored.get("latch"), stored.get("open_session")
        return cls(
            identification=stored.get("identification"),
            block_octets=stored.get("block_octets"),
            framed=stored.get("framed"),
            pinned=stored.get("pinned"),
            accepted=stored.get("accepted"),
            latch=None if latch is None else Latch(*latch),
            open_session=None if session is None else OpenSession(session[0], BlockCheck(session[1])),
            stored_until=_moments(stored.get("stored_until", {})),
            experience=Experience.from_json(stored.get("experience", {})),
        )


def _moments(texts: Mapping[str, str]) -> dict[str, datetime]:
    return {code: datetime.fromisoformat(text).astimezone(UTC) for code, text in texts.items()}
