"""What is learned of one meter from visit to visit."""

import json

from attrs import define, field

from gateway.protocol.datablock import BlockParser


@define
class MeterMemory:
    """The gateway's knowledge of one meter, kept in the journal; the layout of its blocks is learned anew.

    `identification` is the last one seen, `block_octets` the length of the last good block,
    `framed` tells whether that block came between STX and ETX.
    """

    identification: str | None = None
    block_octets: int | None = None
    framed: bool | None = None
    blocks: BlockParser = field(factory=BlockParser, eq=False)

    def to_text(self) -> str:
        """What outlives the process, as JSON."""
        return json.dumps(
            {"identification": self.identification, "block_octets": self.block_octets, "framed": self.framed}
        )

    @classmethod
    def from_text(cls, text: str) -> "MeterMemory":
        """The memory that `to_text` wrote; unknown keys of a newer version are left out."""
        stored = json.loads(text)
        return cls(
            identification=stored.get("identification"),
            block_octets=stored.get("block_octets"),
            framed=stored.get("framed"),
        )
