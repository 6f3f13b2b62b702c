"""How chains are stopped: after a whole iteration, so that their state can be saved."""

import multiprocessing
import os
import signal
import threading
from contextlib import contextmanager


class StopSign:
    """Shared by the chains of one fit that run in this process."""

    def __init__(self):
        self._raised = False
        self._parent = None

    @property
    def is_up(self):
        """Return whether chains are to stop."""
        orphaned = self._parent is not None and os.getppid() != self._parent
        return self._raised or orphaned

    def watch_parent(self):
        """Put up the sign when the process that started this one dies, or if it has died."""
        self._parent = os.getppid()
        started_by = multiprocessing.parent_process()
        if self._parent == 1 and started_by:  # perhaps adopted already
            self._parent = started_by.pid

    @contextmanager
    def raised_on_the_way_out(self):
        """Put up the sign if the fit is left by an exception: threads would run on."""
        try:
            yield
        except BaseException:
            self._raised = True
            raise

    @contextmanager
    def raised_by_ctrl_c(self):
        """Let the first Ctrl-C put up the sign; KeyboardInterrupt follows on leaving.

        A second Ctrl-C interrupts at once. Only in the main thread, which alone gets signals, and
        where Ctrl-C means KeyboardInterrupt.
        """
        usual = signal.default_int_handler
        in_main_thread = threading.current_thread() is threading.main_thread()
        if not in_main_thread or signal.getsignal(signal.SIGINT) is not usual:
            yield
            return

        def put_up(signum, frame):
            self._raised = True
            signal.signal(signal.SIGINT, usual)

        signal.signal(signal.SIGINT, put_up)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, usual)
        if self._raised:
            raise KeyboardInterrupt
