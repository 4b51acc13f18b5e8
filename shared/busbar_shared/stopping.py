"""Being told to stop, also while somebody else's library is not listening."""

import asyncio


def still_wanted() -> None:
    """Raise the cancellation that `asyncio.wait_for` of Python 3.11 swallows when its answer comes just then.

    To be called after every wait in a library that uses it; without it a loop would go on, and
    whoever waits for its end would wait for ever. Not for a task that ran a TaskGroup itself: in
    Python 3.11 one that failed leaves the task's count of cancellations raised.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
