"""Logging to the host's syslog, which Pulp does besides Celery's own to standard error."""

import logging.handlers
import os

SOCKET = "/dev/log"


def add_syslog(logger):
    """Makes the logger write to syslog as well, if there is one."""
    if not os.path.exists(SOCKET):
        return
    handler = logging.handlers.SysLogHandler(SOCKET)
    handler.setFormatter(logging.Formatter("pulp: %(name)s:%(levelname)s: %(message)s"))
    logger.addHandler(handler)
