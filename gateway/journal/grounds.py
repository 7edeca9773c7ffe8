"""What the trust in a readout rests on, as text of the journal."""

import json
from functools import lru_cache

from gateway.reading import Grounds, Layer, Remark

_REPEATED = 256  # meters of one family rest on the same few grounds, visit after visit


def grounds_text(grounds: Grounds | None) -> str | None:
    """A compact JSON list: the words of all layers, then the remarks, if any, as lists of three; None for none."""
    if grounds is None:
        return None
    if not grounds.remarks:
        return _plain_text(grounds)
    remarks = [[remark.layer.value, remark.register, remark.text] for remark in grounds.remarks]
    return _compact([*_words(grounds), remarks])


@lru_cache(_REPEATED)
def grounds_of(text: str | None) -> Grounds | None:
    """The grounds that `grounds_text` wrote."""
    if text is None:
        return None
    parity, check, shape, identity, confirming, *further = json.loads(text)
    remarks = tuple(Remark(Layer(layer), register, said) for layer, register, said in (further[0] if further else ()))
    return Grounds(parity, check, shape, identity, confirming, remarks)


@lru_cache(_REPEATED)
def _plain_text(grounds: Grounds) -> str:
    return _compact(_words(grounds))


def _words(grounds: Grounds) -> list[object]:
    return [grounds.parity, grounds.check, grounds.shape, grounds.identity, grounds.confirming]


def _compact(content: list[object]) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))
