"""The tasks that the scheduler and the server send to the workers."""

import datetime
import functools
import time

from celery.utils.log import get_task_logger

from .. import config
from ..db import connection
from .celery_instance import celery

logger = get_task_logger(__name__)


@functools.cache
def database():
    """The database; first asked for in the process that runs the tasks, since a client does not survive a fork."""
    return connection.connect(config.load())


@celery.task(name="pulp.server.async.tasks.record", bind=True)
def record(self, *arguments):
    """Leaves a document with its arguments in the collection task_results."""
    database()["task_results"].replace_one(
        {"_id": self.request.id},
        {
            "task": self.name,
            "arguments": list(arguments),
            "worker": self.request.hostname,
            "finished": datetime.datetime.utcnow(),
        },
        upsert=True,
    )


@celery.task(name="pulp.server.async.tasks.sleep")
def sleep(seconds):
    """Takes its time."""
    logger.info("Sleeping for %s seconds.", seconds)
    time.sleep(seconds)


@celery.task(name="pulp.server.async.tasks._queue_reserved_task")
def _queue_reserved_task(name, arguments):
    """Runs in the resource manager and hands the named task to a worker."""
    celery.send_task(name, args=arguments)


@celery.task(name="pulp.server.async.tasks.reap_expired_documents")
def reap_expired_documents():
    logger.info("The reaper has nothing to remove.")
