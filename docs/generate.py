"""The pages of docs/ that are made from the program: `python docs/generate.py` writes them."""

from collections.abc import Callable, Mapping
from pathlib import Path

from gateway.codes import CODES
from gateway.protocol.law import diagram

MESSAGES_INTRO = """\
A message has a code, the place, what was seen, then the next step. Codes with E are errors, those with W warnings.
`metergate explain CODE` prints the same text.
"""
SESSION_INTRO = """\
One table says who may say what in every state of the protocol. The gateway obeys it as the reader, the simulated meter
as the tariff device. Each arrow names the side that speaks, then what it says.
"""
MADE = "<!-- Made by docs/generate.py: change the source it reads, then run `make docs`. -->"


def messages() -> str:
    """Every message code in full, in the order of `gateway.codes.CODES`."""
    parts = [f"# Messages\n\n{MADE}\n", MESSAGES_INTRO]
    for code, explanation in CODES.items():
        parts.append(f"## {code}: {explanation.title}\n\n{explanation.meaning}\n\n**Next:** {explanation.next}\n")
    return "\n".join(parts)


def session() -> str:
    """The diagram of the session's table."""
    return "\n".join([f"# The session\n\n{MADE}\n", SESSION_INTRO, f"```mermaid\n{diagram().rstrip()}\n```\n"])


PAGES: Mapping[str, Callable[[], str]] = {"messages.md": messages, "session.md": session}


def main() -> None:
    """Writes all pages beside this file."""
    for name, page in PAGES.items():
        (Path(__file__).parent / name).write_text(page(), encoding="utf-8")
        print(f"docs/{name}")


if __name__ == "__main__":
    main()
