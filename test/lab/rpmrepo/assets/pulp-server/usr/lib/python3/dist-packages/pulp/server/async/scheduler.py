"""The scheduler that Celery beat runs."""

from celery.beat import PersistentScheduler


class Scheduler(PersistentScheduler):
    """Celery's own scheduler, under the name that Pulp gave its.

    It keeps the file celerybeat-schedule in the working directory.
    """
