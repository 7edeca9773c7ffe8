"""The flow charts of a visit: sign on, read out, leave."""

from gateway.dialogue.dialogue import Dialogue, Manners, free, signed_on
from gateway.dialogue.exchange import REPEATS

__all__ = ["REPEATS", "Dialogue", "Manners", "free", "signed_on"]
