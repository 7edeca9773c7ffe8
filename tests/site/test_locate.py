"""Each key of a TOML text is found on its line."""

import tomllib

import pytest

from gateway.site.locate import Place, locate

TEXT = """a = 1  # the first
# [[line]]
[gateway]
name = "x]#"
remark = \"\"\"
[[line]]
alias = "no \\\\\\" key"
\"\"\"
'quoted key' = '''
[[line]]'''
[[line]]
alias = "a"
list = [
  1,  # ]
  "]", { b = 2 },
]
dotted.key = 1

[[meter]]
z = 1
  [[meter.signal]]
  s = 1
  [[meter.signal]]
  s = 'a"'
[[meter]]
  [meter.tags]
  k = "v"
  [[meter.signal]]
  "s" = 2
"""


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (("a",), 1),
        (("gateway",), 3),
        (("gateway", "name"), 4),
        (("gateway", "remark"), 5),
        (("gateway", "quoted key"), 9),
        (("line", 0), 11),
        (("line", 0, "alias"), 12),
        (("line", 0, "list"), 13),
        (("line", 0, "dotted", "key"), 17),
        (("meter", 0, "z"), 20),
        (("meter", 0, "signal", 0, "s"), 22),
        (("meter", 0, "signal", 1), 23),
        (("meter", 0, "signal", 1, "s"), 24),
        (("meter", 1), 25),
        (("meter", 1, "tags", "k"), 27),
        (("meter", 1, "signal", 0, "s"), 29),
    ],
)
def test_a_key_is_found_on_its_line(place: Place, line: int) -> None:
    tomllib.loads(TEXT)
    assert locate("x.toml", TEXT).where(place) == f"x.toml:{line}"


def test_a_key_that_is_not_there_is_placed_at_the_table_around_it() -> None:
    locator = locate("x.toml", TEXT)
    assert locator.line_of(("meter", 0, "signal", 1, "missing")) == 23
    assert locator.line_of(("line", 0, "list", 1, "b")) == 13
    assert locator.line_of(("nothing",)) == 1


def test_a_text_in_a_text_is_no_table() -> None:
    assert ("line", 1) not in locate("x.toml", TEXT).lines
