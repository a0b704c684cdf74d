"""A stand-in for the management library of Qpid."""
