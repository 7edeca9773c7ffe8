"""Floor 0: octets to messages, by one law for both roles."""
