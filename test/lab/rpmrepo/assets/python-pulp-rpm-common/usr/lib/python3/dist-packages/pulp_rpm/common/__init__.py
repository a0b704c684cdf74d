"""What the server's plugins and the clients share."""
