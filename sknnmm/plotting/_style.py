"""Colours and axes that all displays share."""

import textwrap

import numpy as np

from sknnmm.common.optional import import_optional

# Okabe and Ito (2008), Color universal design: told apart with every kind of colour vision.
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
GREY = "#999999"
MOST_PANELS = 30  # above each other in a new figure
IN_TURN = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION, YELLOW, BLACK)


def axes_of(ax, shape, size, advice=""):
    """Return axes (rows, columns) as an array: those of the user, or of a new figure.

    Parameters
    ----------
    ax : Axes, array-like of Axes, or None
    shape : tuple of int
        Rows and columns of axes.
    size : tuple of float
        Of a new figure, in inches.
    advice : str
        How to choose what is drawn, if rows may be too many.
    """
    if ax is None:
        refuse_many_panels(shape[0], advice)
        pyplot = import_optional("matplotlib.pyplot", "A figure")
        _, axes = pyplot.subplots(*shape, figsize=size, squeeze=False, layout="constrained")
        return axes
    axes = np.asarray(ax, dtype=object)
    kind = import_optional("matplotlib.axes", "A figure").Axes
    if wrong := [each for each in axes.ravel() if not isinstance(each, kind)]:
        raise TypeError(
            f"ax must be Axes of matplotlib, as plt.subplots() returns; got {wrong[0]!r}."
        )
    n_axes = int(np.prod(shape))
    if axes.size != n_axes:
        raise ValueError(f"ax must be {n_axes} Axes for this figure, or None; got {axes.size}.")
    return axes.reshape(shape)


def refuse_many_panels(n_panels, advice):
    """Raise if a new figure would have more panels above each other than anyone looks at."""
    if n_panels > MOST_PANELS:
        raise ValueError(
            f"The figure would have {n_panels} panels, more than {MOST_PANELS}. {advice} To draw "
            "all of them, pass ax, with Axes for each."
        )


def plain(name):
    """Return a name as text; chromosomes that gaps have made floats are whole numbers."""
    return f"{name:g}" if isinstance(name, float) else str(name)


def text_of(name, longest=40):
    """Return the name of an omic, SNP or term as a text of a figure.

    A long one loses its middle, for it would leave no room for the data. Dollars are no formulas.
    """
    text = plain(name)
    if len(text) > longest:
        end = (longest - 1) // 2
        text = f"{text[: longest - 1 - end]}…{text[-end:]}"
    return text.replace("$", r"\$")


def wrapped(text, width):
    """Return a text in lines of at most so many characters, where it has words to break at."""
    return "\n".join(textwrap.wrap(text, width, break_long_words=False))


def characters_along(ax, points=10):
    """Return how many characters of a size have room along the width of axes."""
    return ax.get_window_extent().width / ax.figure.dpi * 72 / (0.6 * points)


def room_along(ax):
    """Return how many characters have room along axes when the figure is laid out."""
    ax.figure.draw_without_rendering()
    return int(characters_along(ax))


def without_frame(ax):
    """Leave of the frame of axes what is read: left and bottom."""
    ax.spines[["top", "right"]].set_visible(False)
