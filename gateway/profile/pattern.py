"""Regular expressions of a profile, kept to those that match within bounded time."""

import re

# Identifications and error texts are short (protocol.md 3.2, 3.6): six varying parts then cost milliseconds at most.
VARYING_LIMIT = 6

_PARTS = re.compile(
    r"(?P<plain>\\.|\[\^?\]?(?:\\.|[^\]\\])*\])"
    r"|(?P<open>\((?:\?(?:P<\w+>|<?[=!]|[a-zA-Z-]*:?))?)"
    r"|(?P<close>\))"
    r"|(?P<choice>\|)"
    r"|(?P<count>\{[0-9]+\})"
    r"|(?P<optional>\?)"
    r"|(?P<repeat>(?:[*+]|\{[0-9]*,[0-9]*\})[?+]?)"
    r"|(?P<other>.)",
    re.DOTALL,
)


def flaw_of(pattern: str) -> str | None:
    """Why a pattern cannot be used, None for one that can: no regular expression, or one that may match for ever.

    The latter repeats a group that itself varies, such as `([0-9]+)*`, or holds more than VARYING_LIMIT varying parts.
    """
    try:
        re.compile(pattern)
    except re.error as error:
        return f"is no regular expression: {error}"
    groups = [False]  # one an open group: whether what it holds varies
    before = False  # whether the part before is a group that varies
    varying = 0
    for part in _PARTS.finditer(pattern):
        kind = part.lastgroup
        if before and kind in {"repeat", "count"}:
            return f"repeats a group that itself varies ({part.group()} at {part.start()}): matching may take for ever"
        before = False
        if kind == "open":
            groups.append(False)
        elif kind == "close":
            before = groups.pop()
            groups[-1] = groups[-1] or before
        elif kind in {"choice", "optional", "repeat"}:
            groups[-1] = True
            varying += kind != "choice" or len(groups) > 1
    return f"has {varying} varying parts, the limit is {VARYING_LIMIT}" if varying > VARYING_LIMIT else None
