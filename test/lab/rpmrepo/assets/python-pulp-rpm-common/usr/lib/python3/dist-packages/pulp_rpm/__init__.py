"""Pulp's support for RPM repositories."""
