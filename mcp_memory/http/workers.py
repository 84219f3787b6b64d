"""Several processes on one socket: started, watched, started again when one dies, and ended together.

uvicorn has such a supervisor, whose workers outlive it when it is killed and keep the port, and which takes no second
signal while it waits for them.
"""

import logging
import multiprocessing
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from mcp_memory.errors import Error, Unavailable
from mcp_memory.http.serving import CLOSING_SECONDS, READY, SIGNALS

log = logging.getLogger(__name__)

Work = Callable[[socket.socket, Connection], None]

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # seconds before a worker that did not come up is started again; doubling
SLACK_SECONDS = 1.0  # a worker gives up by itself before that


@dataclass
class _Worker:
    process: SpawnProcess
    line: Connection
    ready: bool = False


class Workers:
    """`work` is what each of them does, with the socket and the line to here; it has to be picklable. `gone`: is told
    which process died."""

    def __init__(
        self,
        work: Work,
        bound: socket.socket,
        number: int,
        shutdown_seconds: int,
        gone: Callable[[int], None] = lambda process_id: None,
    ) -> None:
        self._work, self._bound, self._number, self._gone = work, bound, number, gone
        self._patience = shutdown_seconds + CLOSING_SECONDS + SLACK_SECONDS
        self._workers: list[_Worker] = []
        self._failures = 0  # in a row, of workers that died before they served
        self._ever_ready = False

    def run(self, announce: Callable[[], None]) -> int:
        """Until a signal. Announces when the first worker serves. Returns the exit code: 0 when all workers ended in
        peace. Raises Unavailable when the first ones can't start."""
        with _signals() as told:
            try:
                self._watch(told, announce)
                return self._end(told)
            finally:
                for worker in self._workers:
                    worker.process.kill()
                    worker.process.join()

    def _watch(self, told: socket.socket, announce: Callable[[], None]) -> None:
        again = 0.0
        while True:
            if time.monotonic() >= again:
                while len(self._workers) < self._number:
                    self._workers.append(self._start())
            pause = None if len(self._workers) == self._number else max(again - time.monotonic(), 0.0)
            lines = [worker.line for worker in self._workers if not worker.ready]
            if told in wait([told, *lines, *(worker.process.sentinel for worker in self._workers)], pause):
                return
            for worker in list(self._workers):
                if self._hear(worker) and not self._ever_ready:
                    self._ever_ready = True
                    announce()
                if not worker.process.is_alive():
                    again = time.monotonic() + self._lose(worker)

    def _start(self) -> _Worker:
        context = multiprocessing.get_context("spawn")  # a fork would share the threads' locks, and a model's memory
        ours, theirs = context.Pipe()
        process = context.Process(target=_worker, args=(self._work, self._bound, theirs), daemon=True)
        heard = signal.signal(signal.SIGINT, signal.SIG_IGN)  # which is inherited: Ctrl-C in a terminal reaches all
        process.start()
        signal.signal(signal.SIGINT, heard)
        theirs.close()
        return _Worker(process, ours)

    def _hear(self, worker: _Worker) -> bool:
        """Whether it serves."""
        with suppress(EOFError, OSError):
            if not worker.ready and worker.line.poll() and worker.line.recv_bytes() == READY:
                worker.ready, self._failures = True, 0
        return worker.ready

    def _lose(self, worker: _Worker) -> float:
        """Returns after how many seconds another is to take its place."""
        self._workers.remove(worker)
        worker.line.close()
        self._gone(worker.process.pid or 0)
        if worker.ready:
            log.error("Worker %s ended with code %s: another takes its place.", worker.process.pid, _code(worker))
            return 0.0
        if not self._ever_ready:
            raise Unavailable(f"A worker could not start (code {_code(worker)}): the log says why.")
        self._failures += 1
        pause: float = min(FIRST_PAUSE * 2**self._failures, LONGEST_PAUSE)
        log.error("A worker could not start (code %s): the next try is in %g seconds.", _code(worker), pause)
        return pause

    def _end(self, told: socket.socket) -> int:
        """All at once, each in peace. Those that are still there after a second signal, or too long, are killed."""
        told.recv(1)
        self._bound.close()  # or who connects now would wait in a queue that nobody looks at
        for worker in self._workers:
            if worker.process.pid is not None:
                os.kill(worker.process.pid, signal.SIGTERM)
        until = time.monotonic() + self._patience
        while left := [worker.process.sentinel for worker in self._workers if worker.process.is_alive()]:
            ended = wait([told, *left], max(until - time.monotonic(), 0.0))
            if told in ended:
                return 128 + told.recv(1)[0]
            if not ended:
                return 1
        served = [worker for worker in self._workers if worker.ready]  # others may end before they hear of signals
        return 0 if all(_code(worker) == 0 for worker in served) else 1


def _worker(work: Work, bound: socket.socket, line: Connection) -> None:
    try:
        work(bound, line)
    except Error as exc:
        log.error("%s", exc)
        sys.exit(2)


def _code(worker: _Worker) -> int | None:
    worker.process.join()
    return worker.process.exitcode


@contextmanager
def _signals() -> Iterator[socket.socket]:
    """Their numbers arrive, each as a byte."""
    told, telling = socket.socketpair()
    with told, telling:
        telling.setblocking(False)
        for number in SIGNALS:
            signal.signal(number, lambda number, frame: _tell(telling, number))
        yield told


def _tell(telling: socket.socket, number: int) -> None:
    with suppress(OSError):
        telling.send(bytes([number]))
