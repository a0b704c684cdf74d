"""What the server and its clients share."""
