"""The village web: server-rendered pages, one script, web sockets."""
