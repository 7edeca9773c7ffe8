"""The secret that a meter asks for in its programming mode (protocol.md 6)."""

from collections.abc import Callable

from attrs import field, frozen

from gateway.protocol.messages import Command


@frozen
class Password:
    """A meter's password; it never shows in a print or a log."""

    _secret: str = field(repr=False)

    def reveal(self) -> str:
        """The secret itself, for the octets of a command only."""
        return self._secret

    def __str__(self) -> str:
        return "***"

    def __repr__(self) -> str:
        return "Password(***)"


# From the operand of P0 with the secret to the P1 or P2 command that answers it; runs on the loop, so it must be quick.
PasswordAnswer = Callable[[str, Password], Command]
