"""Who may do what to a meter: passwords by reference, the latch after a refusal, permits to write."""

import hashlib
import hmac
import os
import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path

from attrs import frozen

from gateway.errors import AccessDenied, Refused
from gateway.memory import Latch, MeterMemory
from gateway.profile import GENERIC, MeterProfile, Password
from gateway.profile.programming_mode import ProgrammingMode
from gateway.protocol.messages import Identification
from gateway.reading import Access
from gateway.site.model import AccessSettings, MeterSettings

CREDENTIALS = "CREDENTIALS_DIRECTORY"  # systemd's name for the folder of a service's credentials
PASSWORD_LIMIT = 64
_CAN_BE_SENT = re.compile(r"[ -~]+")
_FRAMING = frozenset("()/!")


class Secrets:
    """Passwords behind references; `key` is that of the keyed hashes, which tell secrets apart without holding them."""

    def __init__(self, key: bytes, environment: Mapping[str, str] = os.environ) -> None:
        self._key = key
        self._environment = environment

    def password(self, reference: str) -> Password:
        """The secret behind `env:NAME`, `file:PATH` or `cred:NAME` (a systemd credential).

        Raises AccessDenied (E-ACC-3) where there is none, or one that no password command can carry.
        """
        kind, _, name = reference.partition(":")
        match kind:
            case "env":
                secret = self._environment.get(name)
            case "file":
                secret = _first_line(Path(name), reference)
            case "cred" if folder := self._environment.get(CREDENTIALS):
                secret = _first_line(Path(folder) / name, reference)
            case "cred":
                secret = None
            case _:
                what = "a password is given by reference, never in clear"
                raise AccessDenied("E-ACC-3", what, "env:NAME, file:PATH or cred:NAME")
        if not secret:
            raise AccessDenied("E-ACC-3", f"there is no password behind {reference}", f"put it there: {_PLACES[kind]}")
        if len(secret) > PASSWORD_LIMIT or not _CAN_BE_SENT.fullmatch(secret) or _FRAMING & set(secret):
            what = f"the password behind {reference} cannot be sent: it is too long, or not printable, or holds ( ) / !"
            raise AccessDenied("E-ACC-3", what, "compare it with the meter's")
        return Password(secret)

    def digest(self, password: Password) -> str:
        """The keyed hash (HMAC-SHA-256) of a password, in hexadecimal."""
        return hmac.new(self._key, password.reveal().encode("ascii"), hashlib.sha256).hexdigest()


_PLACES = {
    "env": "an environment variable of the gateway's process",
    "file": "a file whose first line is the password",
    "cred": "LoadCredential= of the systemd service",
}


def _first_line(path: Path, reference: str) -> str:
    try:
        return path.read_text(encoding="ascii").partition("\n")[0].rstrip("\r")
    except OSError as error:
        why = error.strerror or type(error).__name__
    except UnicodeDecodeError:
        why = "it holds other than ASCII characters"
    raise AccessDenied("E-ACC-3", f"the password behind {reference} cannot be read: {why}", "correct the file")


def check_latch(memory: MeterMemory, reference: str, digest: str, name: str) -> None:
    """Raises AccessDenied (E-ACC-1) for a password that the meter has refused, or may have, and that is still the same.

    A changed reference or secret is tried. `name` is what `metergate access unlatch` takes.
    """
    latch = memory.latch
    if latch is None or (latch.reference, latch.digest) != (reference, digest):
        return
    how = "refused" if latch.is_refused else "sent, its answer is not known"
    what = f"password {reference} {how}: not tried again until the password changes"
    raise AccessDenied("E-ACC-1", what, f"metergate access unlatch {name}")


def check_pin(memory: MeterMemory, said: Identification, profile: MeterProfile, model: str, *, consents: bool) -> None:
    """Raises AccessDenied (E-ACC-2) unless this identification is the one that the meter's password goes to.

    That is the pinned one; before the first password: one that fits the configured, non-generic `model`, or the one of
    an earlier readout. `consents`: a person has just asked, so that the first one read is taken.
    """
    expected = memory.pinned or memory.identification
    if memory.pinned is None and profile.id == model != GENERIC and profile.fits(said):
        return
    if expected == said.raw or (expected is None and consents):
        return
    if expected is None:
        what = f"no identification is known yet to compare {said.raw} with: its password is not sent"
        raise AccessDenied("E-ACC-2", what, "it is known after the first readout; or name meter_model")
    what = f"identification {said.raw}, expected {expected}: the password is not sent to a meter that may be another"
    raise AccessDenied("E-ACC-2", what, "look at the meter; metergate access unlatch forgets what was expected")


def begin_try(memory: MeterMemory, reference: str, digest: str) -> None:
    """Notes that a password is about to be sent, which must be durable before it is.

    Also one that was taken before: the meter's may have been changed since.
    """
    memory.latch = Latch(reference, digest, is_refused=False)


def note_accepted(memory: MeterMemory, digest: str, said: Identification) -> None:
    """The meter took the password: from now on it goes to this identification only."""
    memory.latch, memory.accepted, memory.pinned = None, digest, said.raw


def note_refused(memory: MeterMemory, reference: str, digest: str) -> None:
    """The meter did not take the password."""
    memory.latch, memory.accepted = Latch(reference, digest, is_refused=True), None


def note_unknown(memory: MeterMemory, digest: str) -> None:
    """The try ended without an answer that tells.

    The password that this meter took last is tried once more: noise is likelier than a changed meter. Any other one
    stays latched.
    """
    if memory.accepted == digest:
        memory.latch = memory.accepted = None


def unlatch(memory: MeterMemory) -> bool:
    """Forgets a refused password with the identification that passwords go to; False where neither was held."""
    held = memory.latch is not None or memory.pinned is not None
    memory.latch = memory.pinned = memory.accepted = None
    return held


def check_group(group: Access, programming: ProgrammingMode, password: str | None, what: str) -> None:
    """Raises AccessDenied unless a reader with that password reference can reach a group; nothing has been sent yet.

    E-ACC-9: no password is configured, or none is known how to be answered. E-ACC-10: behind the sealed switch.
    """
    if group is Access.NONE:
        return
    if group is Access.SEALED:
        why = (
            f"{what} belongs to calibration, behind a sealed switch under the meter's cover: Metergate never goes there"
        )
        raise AccessDenied("E-ACC-10", why, "leave it to the metrology service")
    if group not in programming.passwords:
        why = f"{what} is in the {group}-security group, and its profile knows no answer to the meter's challenge"
        raise AccessDenied("E-ACC-9", why, f"a plugin may bring it; name it in [programming] passwords as {group}")
    if password is None:
        why = f"{what} is in the {group}-security group: it wants a password"
        raise AccessDenied("E-ACC-9", why, 'password = "env:NAME", or --password env:NAME')


@frozen
class Permit:
    """The leave to change one register or to execute one command; `permit` alone gives it."""

    register: str


def permit(register: str, access: AccessSettings, meter: MeterSettings, *, confirmed: bool) -> Permit:
    """The leave to write; raises Refused: E-ACC-5 writing is off, E-ACC-6 not among the writable, E-ACC-7 no --yes."""
    if not access.allow_write:
        raise Refused(
            "E-ACC-5", f"{register}: writing is off", "[access] allow_write = true; without site file --allow-write"
        )
    patterns = [patterns for patterns in (access.writable or None, meter.writable) if patterns is not None]
    if not all(any(fnmatchcase(register, pattern) for pattern in alternatives) for alternatives in patterns):
        shown = " and ".join(", ".join(alternatives) or "nothing" for alternatives in patterns)
        raise Refused("E-ACC-6", f"{register} is not writable here: {shown}", "widen writable in [access] or [[meter]]")
    if not confirmed:
        raise Refused("E-ACC-7", f"{register}: a meter is changed only when that is confirmed", "--yes")
    return Permit(register)
