"""Fixtures and rules that all tests share."""

import os
from collections.abc import Generator
from pathlib import Path

import pytest
from trio.testing import MockClock

REQUIRE = "METERGATE_REQUIRE"
VECTORS = "METERGATE_VECTORS"


@pytest.fixture
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, MockClock]] | str:
    """Trio under a virtual clock that jumps ahead when all tasks wait; the real clock for tests marked `real_time`."""
    if request.node.get_closest_marker("real_time") is not None:
        return "trio"
    return ("trio", {"clock": MockClock(autojump_threshold=0)})


@pytest.fixture(scope="session")
def vectors() -> Path:
    """The folder of telegrams captured from real meters, which is not part of this repository."""
    folder = os.environ.get(VECTORS)
    if not folder:
        pytest.skip(f"needs the folder of captured telegrams: set {VECTORS}")
    path = Path(folder)
    assert path.is_dir(), f"{VECTORS} names {folder}, which is no folder"
    return path


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if report.skipped and os.environ.get(REQUIRE) and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{REQUIRE} is set, so nothing may be skipped: {report.longrepr}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Makes a skip a failure where METERGATE_REQUIRE is set: there, everything a test needs has been installed."""
    report = yield
    _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a module that skips itself as a whole."""
    report = yield
    _refuse_skip(report)
    return report
