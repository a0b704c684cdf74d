"""The server's tasks.

The package's name is a keyword of today's Python: it can be imported by its
name as a string or relatively, as Celery and the modules here do.
"""
