"""The balance of a main meter against those behind it."""

from gateway.balance.drawing import Interval, draw
from gateway.balance.statement import Fault, Share, Statement, Trouble

__all__ = ["Fault", "Interval", "Share", "Statement", "Trouble", "draw"]
