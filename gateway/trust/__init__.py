"""How far a readout can be trusted: graded acceptance by layers (reliability.md 2)."""

from gateway.trust.identity import identities
from gateway.trust.judgement import identified, judge
from gateway.trust.learning import is_taken, learn
from gateway.trust.settling import settle, unconfirmed
from gateway.trust.sight import Expected, LineState, Sight
from gateway.trust.totals import modulus, prints, registers, totals
from gateway.trust.verdict import Doubt, Oddity, Verdict, Weight

__all__ = [
    "Doubt",
    "Expected",
    "LineState",
    "Oddity",
    "Sight",
    "Verdict",
    "Weight",
    "identified",
    "identities",
    "is_taken",
    "judge",
    "learn",
    "modulus",
    "prints",
    "registers",
    "settle",
    "totals",
    "unconfirmed",
]
