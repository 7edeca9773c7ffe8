"""The registers that the balances of a site file name."""

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from gateway.cadence import Span
from gateway.site.balance import BalanceSettings, Counter
from gateway.site.broken import Broken, Rule, broken_at
from gateway.site.document import Document
from gateway.site.kinds import did_you_mean

_UNKNOWN, _NO_PART = "E-BAL-1", "E-BAL-2"

# The signals of each enabled meter that stay in the journal; None where the site names none, so that any may come.
_Known = Mapping[str, frozenset[str] | None]


def balances_of(document: Document) -> Iterator[BalanceSettings]:
    """The balances of a site file, patterns filled in."""
    known = _known(document)
    for table in (entry.table for entry in document.balances):
        if table is not None:
            main = Counter.from_text(table.main)
            parts = dict.fromkeys(part for written in table.parts for part in _meant(written, main, known))
            interval = Span.from_text(table.interval)
            yield BalanceSettings(table.name, main, tuple(parts), interval, table.tolerance_percent)


def _known(document: Document) -> _Known:
    known: dict[str, frozenset[str] | None] = {}
    for meter, signals in zip(document.meters, document.signals, strict=True):
        if meter.table is not None and meter.table.enable:
            wanted = [signal.table for signal in signals if signal.table is not None]
            aliases = frozenset(signal.signal_alias for signal in wanted if signal.enable and signal.log)
            known[meter.table.device_alias] = aliases if wanted else None
    return known


def _meant(written: str, main: Counter, known: _Known) -> Sequence[Counter]:
    """The registers that a part stands for: itself, or those of all meters that fit but the main."""
    named = Counter.from_text(written)
    if not _is_pattern(written):
        return (named,)
    found = (Counter(meter, named.signal) for meter in known if fnmatchcase(meter, named.meter))
    return [counter for counter in found if counter != main and _has(counter, known)]


def _is_pattern(written: str) -> bool:
    return "*" in written or "?" in written


def _has(counter: Counter, known: _Known) -> bool:
    signals = known.get(counter.meter)
    return counter.meter in known and (signals is None or counter.signal in signals)


def _counters_of_balances(document: Document) -> Iterator[Broken]:
    known = _known(document)
    for entry, table in ((entry, entry.table) for entry in document.balances):
        if table is None:
            continue
        main = Counter.from_text(table.main)
        if not _has(main, known):
            yield broken_at(entry, "main", _UNKNOWN, *_told(main, known))
        for written in table.parts:
            parts = _meant(written, main, known)
            if main in parts:
                what = f'"{written}" is the main itself'
                yield broken_at(entry, "parts", _NO_PART, what, "name the registers behind it")
            elif not parts:
                what = f'"{written}" fits no enabled meter that has this signal'
                advice = f"meters here: {', '.join(known) or 'none'}"
                yield broken_at(entry, "parts", _NO_PART, what, advice)
            for part in parts:
                if not _has(part, known):
                    yield broken_at(entry, "parts", _UNKNOWN, *_told(part, known))


def _told(counter: Counter, known: _Known) -> tuple[str, str]:
    """What is wrong with a register that is not there, with the next step."""
    if counter.meter not in known:
        advice = did_you_mean(counter.meter, known, f"meters here: {', '.join(known) or 'none'}")
        return f'there is no enabled meter "{counter.meter}"', advice
    signals = sorted(known[counter.meter] or ())
    advice = did_you_mean(counter.signal, signals, f"its signals: {', '.join(signals) or 'none'}")
    return f'meter {counter.meter} has no signal "{counter.signal}" that is enabled and logged', advice


COUNTER_RULES: tuple[Rule, ...] = (_counters_of_balances,)
