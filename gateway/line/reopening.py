"""The opening of a line, repeated with growing pauses for as long as the line is needed."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

import anyio
from attrs import define, field

from gateway.errors import Finding, LineError
from gateway.line.base import Line
from gateway.site.model import LineSettings

FIRST_PAUSE = 0.5  # seconds before a failed line is opened again
LONGEST_PAUSE = 30.0

Opener = Callable[[LineSettings], AbstractAsyncContextManager[Line]]


@define(eq=False)
class Reopening:
    """Keeps one line open; `opener` opens it for the length of a block, or raises LineError.

    `report` shows why it failed: once, until `is_sound` was called. `was_down`: it has failed before; `was_opened`: the
    last opening succeeded.
    """

    settings: LineSettings
    opener: Opener
    report: Callable[[Finding], None]
    was_down: bool = field(init=False, default=False)
    was_opened: bool = field(init=False, default=False)
    _told: str = field(init=False, default="")

    @property
    def name(self) -> str:
        """The line as messages name it; a line of the command line needs no name."""
        return self.settings.alias and f"line {self.settings.alias}"

    async def serve(
        self,
        is_needed: Callable[[], bool],
        work: Callable[[Line], Awaitable[None]],
        failed: Callable[[], Awaitable[None]],
    ) -> None:
        """Runs `work` on the open line while it `is_needed`, again after each failure.

        `failed` is awaited before the pause that follows. Raises what the three raise but LineError of `work`.
        """
        pause = FIRST_PAUSE
        while is_needed():
            line: Line | None = None
            self.was_opened = False
            try:
                async with self.opener(self.settings) as line:
                    self.was_opened = True
                    await work(line)
            except LineError as error:
                self.was_down = True
                self._tell_once(error.finding(self.name))
                await failed()
                if line is not None and line.octets_received:
                    pause = FIRST_PAUSE
                await anyio.sleep(pause / self.settings.time_scale)
                pause = min(2 * pause, LONGEST_PAUSE)

    def is_sound(self) -> None:
        """The line does its work: the next failure is told again, whatever it is."""
        self._told = ""

    def _tell_once(self, finding: Finding) -> None:
        """A line that stays down is told once, not at every try."""
        if str(finding) != self._told:
            self._told = str(finding)
            self.report(finding)
