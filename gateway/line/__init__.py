"""Serial ports, TCP endpoints: the only place with file descriptors."""
