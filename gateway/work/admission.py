"""The admission to an access group of a meter: its password, tried at most once as long as it stays the same."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

import anyio
from attrs import frozen

from gateway.access import (
    Secrets,
    begin_try,
    check_group,
    check_latch,
    check_pin,
    note_accepted,
    note_refused,
    note_unknown,
)
from gateway.errors import AccessDenied, SessionEnded
from gateway.memory import MeterMemory
from gateway.profile import MeterProfile, Password, PasswordAnswer
from gateway.profile.meaning import MISFITS
from gateway.programming import ProgrammingSession
from gateway.protocol.messages import Command
from gateway.reading import Access
from gateway.work.order import Contact, Need, Order

# Keeps the memory of the meter of that alias; durable when it returns.
Remember = Callable[[str, MeterMemory], Awaitable[None]]


async def forgotten(alias: str, memory: MeterMemory) -> None:
    """Keeps nothing beyond the process: the `Remember` of visits without a journal."""
    del alias, memory
    await anyio.lowlevel.checkpoint()


_HEIGHT = (Access.NONE, Access.LOW, Access.HIGH, Access.SEALED)


@frozen(eq=False)
class Gate:
    """What opens access groups: passwords behind references, the answers to challenges, the memory of tries."""

    secrets: Secrets
    answers: Mapping[str, PasswordAnswer]
    remember: Remember


@frozen(eq=False)
class Admission:
    """The password for a group, ready to be tried."""

    answer: PasswordAnswer
    reference: str
    password: Password
    digest: str


def admission(gate: Gate, order: Order, needs: Sequence[Need], profile: MeterProfile) -> Admission | None:
    """What admits to all groups that are needed; None where no password is to be said. Nothing is sent.

    Raises AccessDenied: E-ACC-9, E-ACC-10 for a group out of reach, E-ACC-3 for a password that cannot be had, E-ACC-1
    for one that was refused before.
    """
    meter, programming = order.meter, profile.programming
    for need in needs:
        check_group(need.group, programming, meter.password, need.what)
    group = max((need.group for need in needs), key=_HEIGHT.index, default=Access.NONE)
    if group is Access.NONE and order.terms.presents:
        group = Access.LOW if Access.LOW in programming.passwords else Access.HIGH
    if meter.password is None or group not in programming.passwords:
        return None
    answer = gate.answers.get(programming.passwords[group])
    if answer is None:
        what = f'nobody brings the password answer "{programming.passwords[group]}" of profile {profile.key}'
        raise AccessDenied("E-ACC-9", what, "install the plugin that brings it")
    password = gate.secrets.password(meter.password)
    digest = gate.secrets.digest(password)
    check_latch(order.memory, meter.password, digest, meter.device_alias)
    return Admission(answer, meter.password, password, digest)


def check_recipient(order: Order, contact: Contact) -> None:
    """Raises AccessDenied (E-ACC-2) unless this is the meter that the password is meant for."""
    model, consents = order.meter.meter_model, order.terms.consents
    check_pin(order.memory, contact.said, contact.profile, model, consents=consents)


async def admit(gate: Gate, order: Order, contact: Contact, admitted: Admission, session: ProgrammingSession) -> None:
    """Sends the password, once; what comes of it is durable before anything else is done.

    Before that it is made durable that it is tried: whatever ends the process then, it is not sent again. Raises
    AccessDenied (E-ACC-4, E-ACC-8), SessionEnded, Garbled.
    """
    memory, alias, latch = order.memory, order.meter.device_alias, order.memory.latch
    command = _answered(admitted, session.operand)
    begin_try(memory, admitted.reference, admitted.digest)
    is_said = is_known = False
    try:
        await gate.remember(alias, memory)
        is_said = True
        await session.authenticate(command)
        note_accepted(memory, admitted.digest, contact.said)
        is_known = True
    except (AccessDenied, SessionEnded) as error:
        if error.code == "E-ACC-4":
            note_refused(memory, admitted.reference, admitted.digest)
        else:
            memory.latch = latch  # it was not said
        is_known = True
        raise
    finally:
        if not is_said:
            memory.latch = latch
        elif not is_known:
            note_unknown(memory, admitted.digest)
        await gate.remember(alias, memory)


def _answered(admitted: Admission, operand: str) -> Command:
    try:
        return admitted.answer(operand, admitted.password)
    except MISFITS as fault:
        # What the fault says may hold the secret.
        what = f"the password answer gave up on the operand: {type(fault).__name__}"
        raise AccessDenied("E-ACC-8", what, "mend the plugin that brings it") from None
