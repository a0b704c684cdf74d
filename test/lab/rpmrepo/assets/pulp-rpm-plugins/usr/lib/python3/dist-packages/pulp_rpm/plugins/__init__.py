"""The server's plugins for RPM repositories."""
