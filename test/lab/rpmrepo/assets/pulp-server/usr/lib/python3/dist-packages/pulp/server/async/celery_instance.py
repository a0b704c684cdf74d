"""The Celery application that the scheduler, the resource manager and the workers share."""

from datetime import timedelta

from celery import Celery
from celery.signals import after_setup_logger

from .. import config, logs

RESOURCE_MANAGER_QUEUE = "resource_manager"

# How often the scheduler sends a task that leaves a document in the database.
HEARTBEAT = timedelta(seconds=3)


def broker_url(settings):
    """The broker's address; Celery for Python 3 has AMQP where Pulp has Qpid.

    Without a password in it, guest has the password guest: that is AMQP's default.
    """
    scheme, separator, rest = settings.get("tasks", "broker_url").partition("://")
    return ("amqp" if scheme == "qpid" else scheme) + separator + rest


def new_celery(settings):
    app = Celery("tasks", broker=broker_url(settings), include=["pulp.server.async.tasks"])
    app.conf.update(
        task_default_queue="celery",
        task_routes={
            "pulp.server.async.tasks._queue_reserved_task": {"queue": RESOURCE_MANAGER_QUEUE},
        },
        task_ignore_result=True,
        # A worker has a queue of its own besides: its name and ".dq".
        worker_direct=True,
        worker_prefetch_multiplier=1,
        beat_schedule={
            "heartbeat": {
                "task": "pulp.server.async.tasks.record",
                "schedule": HEARTBEAT,
                "args": ["heartbeat"],
                # What nobody has taken by the next one is not wanted any more.
                "options": {"expires": HEARTBEAT.total_seconds()},
            },
            "reap_expired_documents": {
                "task": "pulp.server.async.tasks.reap_expired_documents",
                "schedule": timedelta(days=settings.getfloat("data_reaping", "reaper_interval")),
            },
        },
    )
    return app


@after_setup_logger.connect
def log_to_syslog(logger, **_):
    logs.add_syslog(logger)


celery = new_celery(config.load())
