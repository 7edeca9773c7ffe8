"""The patterns that a profile may hold."""

import re

import pytest

from gateway.profile.pattern import flaw_of


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "ERROR(0[0-9]|1[0-6])",
        r"/EMH[45]\\@(01)?LZQJ",
        "[(|*]+ERR",
        r"\(.*\)",
        "(?:ab){3}",
        "(?P<code>[0-9]+)",
        "[]+]*x",
        r"(\+\*)+",
        "a|b|c|d|e|f|g|h",
    ],
)
def test_a_pattern_that_ends_in_time_is_taken(pattern: str) -> None:
    assert flaw_of(pattern) is None


@pytest.mark.parametrize(
    "pattern",
    ["([0-9]+)*", "(a|a)+", "(?:a?){30}", "((ab*)c)+", "(a*?)+", "(a{1,3}){2,}", "(?i:a|A)*", "(?P<x>a+)*+", "(a+){3}"],
)
def test_a_group_that_varies_is_not_repeated(pattern: str) -> None:
    assert "repeats a group" in (flaw_of(pattern) or "")


def test_the_parts_that_vary_are_counted() -> None:
    assert flaw_of("a?b?c?d*e+(f|g)") is None
    assert "7 varying parts" in (flaw_of("a?b?c?d*e+(f|g)h{1,2}") or "")


@pytest.mark.parametrize("pattern", ["(", "[", "*a", "a)"])
def test_what_is_no_regular_expression_is_told(pattern: str) -> None:
    with pytest.raises(re.error):
        re.compile(pattern)
    assert "no regular expression" in (flaw_of(pattern) or "")
