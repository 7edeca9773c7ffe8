"""The jobs that a site file schedules, with the names that visits give to jobs."""

from typing import assert_never

from gateway.job import ExecuteCommand, Job, ReadClock, ReadRegisters, ReadSeries, SetClock, WriteRegister
from gateway.profile.programming_mode import SeriesKind
from gateway.site.model import AccessSettings, JobKind, JobSettings
from gateway.work.order import Terms

# The site file has agreed to the jobs that it schedules; a clock is set by them only where that is needed.
SCHEDULED = Terms(confirmed=True, spares=True)


def scheduled_job(settings: JobSettings, access: AccessSettings) -> Job:
    """The job that the site file schedules; a clock is only read where writing is off."""
    match settings.kind:
        case JobKind.PROFILE_DATA:
            return ReadSeries(SeriesKind.LOAD_PROFILE, settings.code, days=settings.days)
        case JobKind.EVENTS:
            return ReadSeries(SeriesKind.LOG, settings.code, days=settings.days)
        case JobKind.CLOCK:
            return SetClock() if access.allow_write else ReadClock()
        case _:
            assert_never(settings.kind)


def job_name(job: Job) -> str:
    """What a visit calls its job, with the code of a series where one was named."""
    match job:
        case ReadRegisters():
            return "read"
        case WriteRegister():
            return "write"
        case ExecuteCommand():
            return "execute"
        case ReadClock() | SetClock():
            return JobKind.CLOCK.value
        case ReadSeries(kind=kind, address=address):
            name = JobKind.PROFILE_DATA if kind is SeriesKind.LOAD_PROFILE else JobKind.EVENTS
            return name.value if address is None else f"{name.value} {address}"
        case _:
            assert_never(job)
