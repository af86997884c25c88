"""What ends the benchmark with one line."""


class Trouble(Exception):
    """A run that would not say the truth: a peer is missing, a worker does not start, one starts twice."""
