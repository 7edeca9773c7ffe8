"""The work that is done in a meter's programming mode."""

from gateway.work.admission import Gate, Remember, forgotten
from gateway.work.clock import until_calm
from gateway.work.order import Contact, Order, Terms, Work
from gateway.work.readout import composed
from gateway.work.scheduled import SCHEDULED, job_name, scheduled_job
from gateway.work.session import carry_out
from gateway.work.task import Task, lasting, work_of

__all__ = [
    "SCHEDULED",
    "Contact",
    "Gate",
    "Order",
    "Remember",
    "Task",
    "Terms",
    "Work",
    "carry_out",
    "composed",
    "forgotten",
    "job_name",
    "lasting",
    "scheduled_job",
    "until_calm",
    "work_of",
]
