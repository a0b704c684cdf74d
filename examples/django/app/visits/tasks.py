from celery import shared_task
from celery.utils.log import get_task_logger

from .models import Event

log = get_task_logger(__name__)


@shared_task
def visit():
    record("visit")


@shared_task
def tick():
    record("tick")


def record(kind):
    Event.objects.create(kind=kind)
    log.info("recorded a %s", kind)
