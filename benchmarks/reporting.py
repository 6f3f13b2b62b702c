"""What the benchmarks print: Markdown tables and the machine they ran on."""

import platform
from pathlib import Path

import numba
import numpy as np
from threadpoolctl import threadpool_info


def as_table(rows):
    """Return rows of cells as a Markdown table."""
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        first, *others = (cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        lines.append(" | ".join([row[0].ljust(len(first)), *others]))
    rule = " | ".join("-" * width for width in widths)
    return "\n".join(f"| {line} |" for line in [lines[0], rule, *lines[1:]])


def describe_machine():
    """Return processor and versions in one line."""
    libraries = [lib for lib in threadpool_info() if lib["user_api"] == "blas"]
    blas = " and ".join(sorted({f"{lib['internal_api']} {lib['version']}" for lib in libraries}))
    return (
        f"{cpu_name()}; Python {platform.python_version()}, numpy {np.__version__}, numba "
        f"{numba.__version__}, {blas}"
    )


def cpu_name():
    """Return the model name of the processor where the system tells it."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(names)} x {names[0]}" if names else platform.processor()
