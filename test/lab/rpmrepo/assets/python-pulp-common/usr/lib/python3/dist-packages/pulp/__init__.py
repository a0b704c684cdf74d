"""Pulp 2. Several packages put modules below this one."""
