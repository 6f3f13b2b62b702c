"""Colours and axes that all displays share."""

import numpy as np

from sknnmm.common.optional import import_optional

# Okabe and Ito (2008), Color universal design: told apart with every kind of colour vision.
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
GREY = "#999999"
IN_TURN = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION, YELLOW, BLACK)


def axes_of(ax, shape, size):
    """Return axes (rows, columns) as an array: those of the user, or of a new figure.

    Parameters
    ----------
    ax : Axes, array-like of Axes, or None
    shape : tuple of int
        Rows and columns of axes.
    size : tuple of float
        Of a new figure, in inches.
    """
    if ax is None:
        pyplot = import_optional("matplotlib.pyplot", "A figure")
        _, axes = pyplot.subplots(*shape, figsize=size, squeeze=False, layout="constrained")
        return axes
    axes = np.asarray(ax, dtype=object)
    n_axes = int(np.prod(shape))
    if axes.size != n_axes:
        raise ValueError(f"ax must be {n_axes} Axes for this figure, or None; got {axes.size}.")
    return axes.reshape(shape)


def text_of(name, longest=40):
    """Return the name of an omic, SNP or term as a text of a figure.

    A long one loses its middle, for it would leave no room for the data. Dollars are no formulas.
    """
    text = str(name)
    if len(text) > longest:
        end = (longest - 1) // 2
        text = f"{text[: longest - 1 - end]}…{text[-end:]}"
    return text.replace("$", r"\$")


def without_frame(ax):
    """Leave of the frame of axes what is read: left and bottom."""
    ax.spines[["top", "right"]].set_visible(False)
