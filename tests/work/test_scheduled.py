"""The jobs that a site file schedules, with their names."""

import pytest

from gateway.job import ExecuteCommand, Job, ReadClock, ReadRegisters, ReadSeries, SetClock, WriteRegister
from gateway.profile.programming_mode import SeriesKind
from gateway.site.model import AccessSettings, JobKind, JobSettings
from gateway.work import SCHEDULED, Terms, job_name, scheduled_job


@pytest.mark.parametrize("allow_write", [True, False])
def test_a_clock_is_only_read_where_writing_is_off(*, allow_write: bool) -> None:
    job = scheduled_job(JobSettings(JobKind.CLOCK, "00:30"), AccessSettings(allow_write=allow_write))
    assert job == (SetClock() if allow_write else ReadClock())


def test_series_are_read_as_the_settings_say() -> None:
    profile = JobSettings(JobKind.PROFILE_DATA, "00:30", "P.02", 40)
    assert scheduled_job(profile, AccessSettings()) == ReadSeries(SeriesKind.LOAD_PROFILE, "P.02", days=40)
    log = JobSettings(JobKind.EVENTS, "00:30")
    assert scheduled_job(log, AccessSettings()) == ReadSeries(SeriesKind.LOG)


def test_the_site_file_confirms_its_jobs_but_forces_nothing() -> None:
    assert Terms(confirmed=True, spares=True) == SCHEDULED


@pytest.mark.parametrize(
    ("job", "name"),
    [
        (ReadRegisters(("1.8.0",)), "read"),
        (WriteRegister("0.2.2", "7"), "write"),
        (ExecuteCommand("demand-reset"), "execute"),
        (ReadClock(), "clock"),
        (SetClock(), "clock"),
        (ReadSeries(SeriesKind.LOAD_PROFILE), "profile-data"),
        (ReadSeries(SeriesKind.LOG, "P.99"), "events P.99"),
    ],
)
def test_a_job_is_named_for_what_it_does(job: Job, name: str) -> None:
    assert job_name(job) == name


def test_a_scheduled_job_is_named_as_the_same_job_of_a_person() -> None:
    for settings in (JobSettings(JobKind.PROFILE_DATA, "00:30"), JobSettings(JobKind.EVENTS, "00:30", "P.99")):
        assert settings.name == job_name(scheduled_job(settings, AccessSettings()))
