"""Workers on the nodes of a Ray cluster. The front process never imports Ray: a helper process holds the connection."""
