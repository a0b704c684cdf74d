"""A stand-in for the client library of Qpid."""
