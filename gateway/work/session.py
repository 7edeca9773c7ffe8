"""The session in which a job is done, from the sign-on to the end of the marker that it leaves in the journal."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio

from gateway.dialogue import Dialogue, signed_on
from gateway.errors import LineError
from gateway.memory import MeterMemory, OpenSession
from gateway.profile import MeterProfile
from gateway.programming import enter
from gateway.protocol.messages import Identification
from gateway.reading import Event, Readout
from gateway.work.admission import Gate, admission, admit, check_recipient
from gateway.work.order import Contact, Order, Work


async def carry_out(
    work: Work,
    order: Order,
    gate: Gate,
    dialogue: Dialogue,
    introduced: Callable[[Identification], Contact],
    known: MeterProfile | None,
) -> Readout | Event:
    """Does a job in one session; what is out of reach of the `known` profile is refused before a byte is sent.

    While the session is open the meter's memory says so, durably from before it is opened. `introduced` tells what is
    known of a meter that has identified itself. Raises MeterError, LineError.
    """
    if known is not None:
        admission(gate, order, work.needs(known), known)
    await anyio.sleep(work.pause())
    async with _marked(order.memory, dialogue), signed_on(dialogue) as said:
        contact = introduced(said)
        admitted = admission(gate, order, work.needs(contact.profile), contact.profile)
        if admitted is not None:
            check_recipient(order, contact)
        speed = dialogue.session_speed(said, contact.conduct)
        order.memory.open_session = OpenSession(speed, contact.conduct.check)
        await gate.remember(order.meter.device_alias, order.memory)
        session = await enter(dialogue, said, contact.conduct, contact.t2)
        if admitted is not None:
            await admit(gate, order, contact, admitted, session)
        return await work.perform(session, contact)


@asynccontextmanager
async def _marked(memory: MeterMemory, dialogue: Dialogue) -> AsyncIterator[None]:
    """Takes the marker away once the meter was left; one that heard no break, since the line was lost, keeps it."""
    is_sound = True
    try:
        yield
    except LineError:
        is_sound = False
        raise
    finally:
        if is_sound and dialogue.is_left:
            memory.open_session = None
