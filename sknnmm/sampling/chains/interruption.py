"""How chains are stopped: after a whole iteration, so that their state can be saved.

Ctrl-C, SIGTERM, SIGHUP, the death of the parent process and a failure of one chain put up a sign,
which every chain of the fit sees; a chain that saw it saves its state and ends. Only then is the
signal acted on, or the error raised.
"""

import multiprocessing
import os
import signal
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from joblib.externals.loky import get_reusable_executor

SIGN = ".sknnmm-stop"  # in the directory of the checkpoint, or a temporary one
SECONDS_BETWEEN_LOOKS = 0.2  # for the file, which may be on a slow file system, and the parent

#: Signals that stop chains, where they would end the program: their usual handlers.
USUAL = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
HANGUP = getattr(signal, "SIGHUP", None)  # Windows has none
if HANGUP is not None:
    USUAL[HANGUP] = signal.SIG_DFL


NOTHING_KEPT = (
    "Nothing of this fit is kept. With checkpoint set to a directory, chains are saved there, and "
    "the same fit continues where it was stopped."
)


def intact(directory):
    """Return what to say of a fit that ended before its chains could save their last states."""
    return (
        f"checkpoint: the states that chains have saved in {directory} are intact. The same fit "
        "continues from there."
    )


class Terminated(BaseException):
    """SIGTERM or SIGHUP, the argument, has come, and the chains have saved their states."""


class StopSign:
    """Shared by the chains of one fit.

    Parameters
    ----------
    directory : Path or None
        Of the checkpoint; None: chains have none.
    """

    def __init__(self, directory):
        self._directory = directory
        self._file = None if directory is None else Path(directory) / SIGN
        self._raised = False
        self._parent_has_ended = None  # in a worker process: asks whether it has
        self._look_at = -float("inf")
        self.signal = None  # that has put up the sign
        self.told = None  # what the chains that saw it have saved, for a message

    @property
    def is_up(self):
        """Return whether chains are to stop."""
        if not self._raised and time.monotonic() >= self._look_at:
            self._raised = self._was_put_up_elsewhere() or self._is_orphaned()
            self._look_at = time.monotonic() + SECONDS_BETWEEN_LOOKS
        return self._raised

    def _was_put_up_elsewhere(self):
        return self._file is not None and os.path.exists(self._file)

    def _is_orphaned(self):
        return self._parent_has_ended is not None and self._parent_has_ended()

    def put_up(self):
        """Let all chains of the fit stop."""
        self._raised = True
        if self._file is not None:
            with suppress(OSError):
                self._file.touch()

    @contextmanager
    def seen_by_workers(self):
        """Let worker processes of this machine see the sign, also without a checkpoint."""
        with ExitStack() as kept:
            if self._file is None:
                with suppress(OSError):  # no disk to write on: each chain runs to its end
                    folder = TemporaryDirectory(ignore_cleanup_errors=True)
                    self._file = Path(kept.enter_context(folder)) / SIGN
            yield

    @contextmanager
    def raised_on_the_way_out(self):
        """Put up the sign if the fit is left by an exception: threads would run on."""
        try:
            yield
        except BaseException:
            self._raised = True
            raise

    @contextmanager
    def put_up_by_signals(self):
        """Let the first Ctrl-C, SIGTERM or SIGHUP put up the sign, and act on it on leaving.

        That is, raise KeyboardInterrupt or Terminated. A second signal does not wait, but for
        SIGHUP, which a terminal and its shell both send as they close.
        """
        if self._directory is None:
            yield
            return
        self._file.unlink(missing_ok=True)  # of a fit that was killed
        try:
            with self._hearing():
                yield
        finally:
            with suppress(OSError):
                self._file.unlink(missing_ok=True)
            if self.signal == signal.SIGINT:
                raise KeyboardInterrupt(self.told or intact(self._directory))
            if self.signal is not None:
                raise Terminated(self.signal)

    @contextmanager
    def put_up_in_worker(self):
        """Let signals to this worker process, and the end of its parent, put up the sign.

        A worker whose parent has gone ends when none of its chains runs any more.
        """
        started_by = multiprocessing.parent_process()  # None: of a cluster, which looks after it
        if started_by is not None:
            self._parent_has_ended = _end_of(started_by)
            _leave_with(started_by, os.getpid())
        _at_work.add(self)
        try:
            with self._hearing(in_worker=True):
                yield
        finally:
            _at_work.discard(self)

    @contextmanager
    def _hearing(self, in_worker=False):
        """Handle signals: in the main thread, which alone gets them, and if no one else does."""
        in_main_thread = threading.current_thread() is threading.main_thread()
        if self._directory is None or not in_main_thread:
            yield
            return

        def put_up(number, frame):
            _put_back_handlers()
            if number == HANGUP:
                _replace_handler(number, signal.SIG_IGN)
                if in_worker:  # a second one must not come before the chain is handed over
                    del _replaced[number]
            self.signal = number
            self.put_up()

        for number, handler in USUAL.items():
            if signal.getsignal(number) == handler:
                _replace_handler(number, put_up)
        try:
            yield
        finally:
            _put_back_handlers()


@contextmanager
def ends_process_when_terminated():
    """Let a process that was Terminated end as by the signal, without its idle workers."""
    try:
        yield
    except Terminated as terminated:
        (number,) = terminated.args
        if multiprocessing.active_children():
            workers = get_reusable_executor(reuse=True)
            end = getattr(workers, "terminate", workers.shutdown)  # joblib's: with their files
            end(kill_workers=True)
        signal.raise_signal(number)
        raise SystemExit(128 + number) from None  # process 1 of a container survives it


_replaced: dict = {}  # handlers of this process, by signal
_at_work: set = set()  # signs of the chains that run in this worker process


def _replace_handler(number, handler):
    _replaced[number] = signal.signal(number, handler)


def _put_back_handlers():
    while _replaced:
        signal.signal(*_replaced.popitem())


def _end_of(starter):
    """Return a function that tells whether the process that started this one has ended.

    A child that loses its parent gets another one. But the parent of a worker is not the process
    that started it if that uses a fork server, and on Windows the number of the parent stays: there
    the sentinel tells. It would not do elsewhere: loky passes none, and workers that are forked
    hold those of their siblings open.
    """
    is_parent = os.name != "nt" and os.getppid() == starter.pid
    if is_parent or starter.sentinel is None:
        return lambda: os.getppid() != starter.pid
    return lambda: not starter.is_alive()


@cache  # once per process
def _leave_with(starter, pid):
    has_ended = _end_of(starter)

    def leave():
        while not has_ended() or _at_work:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=leave, daemon=True).start()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_put_back_handlers)
