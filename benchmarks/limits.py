"""What the operating system lets a benchmark use."""

import resource

_RESERVE = 100  # files that a process needs besides those it asks for


def allow_open_files(count: int) -> None:
    """Raises this process's own limit so far as the system lets it; OSError later tells where that was not enough."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count + _RESERVE
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
