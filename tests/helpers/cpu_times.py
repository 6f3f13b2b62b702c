"""CPU seconds of the tests of every folder: `pytest --cpu-times`."""

import resource
from collections import defaultdict
from time import process_time

import pytest
from numba.core import event


class CPUTimes:
    """Measures what tests take, and how much of it numba compiles; prints sums in the end.

    With the processes that a test has started and waited for. Those of loky outlive it, and are not
    counted.
    """

    def __init__(self):
        self._compiling = Compiling()
        event.register("numba:compile", self._compiling)
        self._before = 0.0, 0.0

    def _now(self):
        own, children = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        used = own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
        return used, self._compiling.seconds

    def pytest_runtest_logstart(self):
        self._before = self._now()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self):
        """After setup, call and teardown; pytest-xdist sends the reports to the main process."""
        report = yield
        now = self._now()
        used, compiled = (after - before for after, before in zip(now, self._before, strict=True))
        self._before = now
        report.user_properties = [*report.user_properties, ("cpu", (used - compiled, compiled))]
        return report

    def pytest_terminal_summary(self, terminalreporter):
        sums = defaultdict(lambda: [0.0, 0.0])
        for reports in terminalreporter.stats.values():
            for report in reports:
                for name, seconds in getattr(report, "user_properties", ()):
                    if name == "cpu":
                        for folder in (folder_of(report.nodeid), "all"):
                            for k in range(2):
                                sums[folder][k] += seconds[k]
        terminalreporter.section("CPU seconds")
        for folder, (rest, compiled) in sorted(sums.items()):
            terminalreporter.write_line(f"{folder:24} {rest:7.1f}, {compiled:6.1f} to compile")


class Compiling(event.Listener):
    """Adds up the CPU seconds in which numba compiles."""

    def __init__(self):
        self.seconds, self._depth, self._start = 0.0, 0, 0.0

    def on_start(self, event):
        if self._depth == 0:
            self._start = process_time()
        self._depth += 1

    def on_end(self, event):
        self._depth -= 1
        if self._depth == 0:
            self.seconds += process_time() - self._start


def folder_of(nodeid):
    """Return the folder of a test, two levels deep at most; for the package, its name."""
    *folders, _ = nodeid.partition("::")[0].split("/")
    return "/".join(folders[:2] if folders[0] == "tests" else folders[:1]) + "/"
