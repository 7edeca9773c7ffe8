"""A job as it is ordered: for which meter, on which terms, met by which meter."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from attrs import frozen

from gateway.decoders import Decoder
from gateway.line.base import Line
from gateway.memory import MeterMemory
from gateway.profile import Conduct, MeterProfile
from gateway.programming import ProgrammingSession
from gateway.protocol.messages import Identification
from gateway.reading import Access, Event, Readout, Visit
from gateway.site.model import AccessSettings, MeterSettings


@frozen
class Terms:
    """What a person, or the site file, has agreed to.

    `confirmed`: the meter may be changed. `forced`: its clock may be put by any step, or where it cannot be read.
    `consents`: where no identification is known of the meter yet, the password goes to the one that is just read.
    `presents`: the password is said also where nothing is known to ask for it. `spares`: a clock that is right is left
    alone.
    """

    confirmed: bool = False
    forced: bool = False
    consents: bool = False
    presents: bool = False
    spares: bool = False


@frozen(eq=False)
class Order:
    """What a job is done with; `visit` is the slot that it is done in, `zone` that of the meter's clock."""

    visit: Visit
    meter: MeterSettings
    terms: Terms
    access: AccessSettings
    memory: MeterMemory
    zone: ZoneInfo
    decoders: Mapping[str, Decoder]
    now: Callable[[], datetime]


@frozen
class Contact:
    """A meter that has identified itself; `t2` is the wait before the option select in seconds."""

    said: Identification
    profile: MeterProfile
    conduct: Conduct
    t2: float
    line: Line


@frozen
class Need:
    """An access group that has to be reached, for what."""

    group: Access
    what: str


class Work(ABC):
    """One job on its way: it outlives a session that ends early, and goes on in the next one where it was.

    `is_sent`: a change was sent, so that it is never sent again: what is left to do is to read back.
    """

    is_sent = False

    @abstractmethod
    def needs(self, profile: MeterProfile) -> Sequence[Need]:
        """The groups that have to be reached; nothing was sent yet. Raises Refused for a change that is not allowed."""

    @abstractmethod
    async def perform(self, session: ProgrammingSession, contact: Contact) -> Readout | Event:
        """Does what is left to do; raises MeterError."""

    def pause(self) -> float:
        """Seconds to let pass before the meter is signed on to."""
        return 0.0

    def salvaged(self, why: str) -> Readout | Event | None:
        """What there is to record of a job that failed on its way: above all a change that was sent; None: nothing."""
        del why
        return None
