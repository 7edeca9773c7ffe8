"""A telegram that was cut out of a recording, with the verdict on its check."""

from collections.abc import Sequence
from functools import cached_property

from attrs import frozen

from gateway.protocol.characters import CR_LF
from gateway.protocol.check import UNCHECKED, Check
from gateway.protocol.datablock import DataSet, parse_block
from gateway.protocol.messages import Identification


@frozen
class Telegram:
    """One checked frame, one block without check, or an identification that nothing followed.

    `identification` is the last one before it, `body` the characters of its data.
    `is_pushed`: sent unasked (mode D, P1). `doubt` says why its end may be missing, None: it came to its end.
    """

    identification: Identification | None
    body: bytes = b""
    check: Check = UNCHECKED
    is_pushed: bool = False
    doubt: str | None = None

    @cached_property
    def _all_sets(self) -> tuple[DataSet, ...]:
        return parse_block(self.body)

    @property
    def sets(self) -> tuple[DataSet, ...]:
        """Its data sets in the order of the wire; raises Garbled (E-READ-7) beyond the limits."""
        return tuple(data_set for data_set in self._all_sets if data_set.raw)

    @property
    def text_lines(self) -> tuple[str, ...]:
        """The lines of its data that hold no data set; raises as `sets` does."""
        return tuple(data_set.address for data_set in self._all_sets if not data_set.raw)


def joined(parts: Sequence[Telegram]) -> Telegram:
    """One telegram of all parts of a partial block sequence, a line break between them (protocol.md 3.4).

    Its check is the first wrong one, else that of the last part; its doubt is the first there is.
    """
    bodies = [part.body for part in parts]
    with_ends = [body if body.endswith(b"\n") else body + CR_LF for body in bodies[:-1]]
    check = next((part.check for part in parts if part.check.ok is False), parts[-1].check)
    doubt = next((part.doubt for part in parts if part.doubt), None)
    return Telegram(parts[0].identification, b"".join(with_ends) + bodies[-1], check, parts[0].is_pushed, doubt)
