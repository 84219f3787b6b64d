"""What must hold whoever asks a model: four threads at once."""

import threading
from collections.abc import Callable

THREADS = 4


def at_once(agree: Callable[[], bool]) -> bool:
    """Whether they all agree, each asking as soon as all are there."""
    start, seen = threading.Barrier(THREADS), list[bool]()

    def work() -> None:
        start.wait(timeout=30)
        seen.append(agree())

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return seen == [True] * THREADS
