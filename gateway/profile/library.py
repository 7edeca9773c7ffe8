"""The folders in which profiles lie."""

from collections.abc import Iterable
from importlib import resources
from pathlib import Path

from gateway.errors import Finding, ProfileError
from gateway.hooks import hookimpl
from gateway.profile.document import load_profile
from gateway.profile.model import MeterProfile

_IN_THE_WHEEL = "_profiles"
_IN_THE_CHECKOUT = "profiles"


def shipped_profiles() -> tuple[MeterProfile, ...]:
    """The profiles that Metergate brings, in the order of their file names."""
    package = resources.files("gateway")
    folder = package / _IN_THE_WHEEL
    if not folder.is_dir():
        folder = Path(str(package)).parent / _IN_THE_CHECKOUT
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name)
    return _load((f"profiles/{file.name}", file.read_bytes()) for file in files)


def load_folder(folder: Path) -> tuple[MeterProfile, ...]:
    """The profiles of a site's own folder; raises ProfileError where it cannot be read or holds an invalid one."""
    try:
        texts = [(str(file), file.read_bytes()) for file in sorted(folder.glob("*.toml"))]
        if not folder.is_dir():
            raise NotADirectoryError(f"{folder} is no folder")
    except OSError as error:
        raise ProfileError(
            [Finding("E-PRO-1", str(folder), f"cannot be read: {error}", "correct gateway.profiles")]
        ) from error
    return _load(texts)


def _load(texts: Iterable[tuple[str, bytes]]) -> tuple[MeterProfile, ...]:
    profiles: list[MeterProfile] = []
    findings: list[Finding] = []
    for where, octets in texts:
        try:
            profiles.append(load_profile(octets.decode(), where))
        except UnicodeDecodeError as error:
            findings.append(Finding("E-PRO-1", where, f"not UTF-8: {error.reason} at byte {error.start}"))
        except ProfileError as error:
            findings.extend(error.findings)
    if findings:
        raise ProfileError(findings)
    return tuple(profiles)


@hookimpl
def meter_profiles() -> Iterable[MeterProfile]:
    """The shipped profiles."""
    return shipped_profiles()
