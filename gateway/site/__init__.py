"""The site file: what is read, from which lines, into which sinks."""
