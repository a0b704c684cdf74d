"""The tasks that the scheduler sends to the workers."""

from celery.utils.log import get_task_logger

from .celery_instance import celery

logger = get_task_logger(__name__)


@celery.task(name="pulp.server.async.tasks.reap_expired_documents")
def reap_expired_documents():
    logger.info("The reaper has nothing to remove.")
