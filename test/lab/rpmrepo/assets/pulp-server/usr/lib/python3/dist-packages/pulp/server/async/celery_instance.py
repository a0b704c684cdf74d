"""The Celery application that the scheduler and the workers share."""

from datetime import timedelta

from celery import Celery
from kombu import Queue

from .. import config

RESOURCE_MANAGER_QUEUE = "resource_manager"


def broker_url(settings):
    """The broker's address; Celery for Python 3 has AMQP where Pulp has Qpid."""
    scheme, separator, rest = settings.get("tasks", "broker_url").partition("://")
    return ("amqp" if scheme == "qpid" else scheme) + separator + rest


def new_celery(settings):
    app = Celery("tasks", broker=broker_url(settings), include=["pulp.server.async.tasks"])
    app.conf.update(
        task_queues=[Queue("celery"), Queue(RESOURCE_MANAGER_QUEUE)],
        task_default_queue="celery",
        task_ignore_result=True,
        worker_prefetch_multiplier=1,
        beat_schedule={
            "reap_expired_documents": {
                "task": "pulp.server.async.tasks.reap_expired_documents",
                "schedule": timedelta(days=settings.getfloat("data_reaping", "reaper_interval")),
            },
        },
    )
    return app


celery = new_celery(config.load())
