"""A stand-in for the Pulp 2 server: what its start-up needs, on Python 3."""
