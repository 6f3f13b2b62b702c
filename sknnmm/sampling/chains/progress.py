"""One live progress bar per fit, also when the chains run in worker processes.

Chains write their iteration counts to a small shared file; a thread of the parent reads them.
"""

import sys
import tempfile
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

import numpy as np

SECONDS_BETWEEN_READS = 0.1
BAR = (
    "{desc}: {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} iterations each [{elapsed}<{remaining}]"
)
COUNT = "{desc} of {n_fmt} iterations{postfix} [{elapsed}]"  # of which it is not known how many


def report_to(board, chain):
    """Return the function that a chain calls with the number of iterations done.

    `board` is the file of a progress bar, or None.
    """
    if board is None or not Path(board).exists():  # a worker on another machine has no bar
        return lambda iteration: None
    counts = np.memmap(board, dtype=np.int64, mode="r+")

    def report(iteration):
        counts[chain] = iteration

    return report


class Progress:
    """What is shown of a fit: nothing, or a bar over the iterations of its chains."""

    def __init__(self, bar=None, board=None):
        self._bar = bar
        self.board = board  # the file that chains report to, or None

    def show(self, remark):
        """Show a remark behind the number of iterations."""
        if self._bar is not None:
            self._bar.set_postfix_str(remark)


@contextmanager
def progress_bar(n_chains, n_iter, *, enabled):
    """Show a bar over the iterations per chain, the mean of all chains; yields a Progress.

    Without a bar but with remarks if `n_iter` is None: not known beforehand. Where nothing can be
    shown, for want of a terminal or a temporary directory, the fit goes on.
    """
    with ExitStack() as shown:
        progress = Progress()
        if enabled and sys.stderr is not None:  # as in a program without a terminal
            with suppress(Exception):
                progress = shown.enter_context(_live_bar(n_chains, n_iter))
        yield progress


@contextmanager
def _live_bar(n_chains, n_iter):
    from tqdm.auto import tqdm
    from tqdm.utils import ObjectWrapper

    class Screen(ObjectWrapper):
        """Where the bar is shown while it can be: a closed terminal ends no fit."""

        def write(self, text):
            with suppress(Exception):
                self._wrapped.write(text)

        def flush(self):
            with suppress(Exception):
                self._wrapped.flush()

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        board = Path(folder) / "iterations"
        counts = np.memmap(board, dtype=np.int64, mode="w+", shape=n_chains)
        done = Event()
        options = {
            "desc": f"NN-MM, {n_chains} chain{'s' * (n_chains != 1)}",
            "bar_format": COUNT if n_iter is None else BAR,
            "file": Screen(sys.stderr),
            "dynamic_ncols": True,  # a line that wraps would be repeated
        }
        with tqdm(total=n_iter, **options) as bar:

            def catch_up():
                done_by_now = int(counts.sum()) // n_chains
                bar.update(max(0, done_by_now - bar.n))  # a worker that died may begin again

            def watch():
                while not done.wait(SECONDS_BETWEEN_READS):
                    catch_up()

            watcher = Thread(target=watch, daemon=True)
            watcher.start()
            try:
                yield Progress(bar, str(board))
            finally:
                done.set()
                watcher.join()
                catch_up()
