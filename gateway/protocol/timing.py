"""The standard's times under the standard's names, in seconds (protocol.md 4)."""

# t_r: reception of a message to the start of the answer, both sides; these are the least, 1.5 s is the most.
T_R_MIN = 0.200
T_R_MIN_FAST = 0.020  # the third letter of the manufacturer is lower case
T_R_MAX = 1.500
# t_a: the longest gap between two characters of one message.
T_A = 1.500
# Wake-up of battery meters: NUL stream of 2.1 to 2.3 s, then 1.5 to 1.7 s of pause.
WAKE_UP_STREAM = 2.2
WAKE_UP_PAUSE = 1.6


def wire_time(octets: int, baud: int, bits: int = 10) -> float:
    """Seconds that so many octets take at so many baud; a 7E1 or 8N1 character is 10 bit times."""
    return octets * bits / baud
