"""What `celery --app=pulp.server.async.app` is given."""

from .celery_instance import celery

__all__ = ["celery"]
