"""Labels that must be unique."""

from collections import Counter

from sknnmm.common.messages import some


def refuse_duplicates(labels, argument, what, advice):
    """Raise if labels are not unique.

    Parameters
    ----------
    labels : sequence
    argument, what, advice : str
        What has them, what they are (in the plural) and what to do, for the message.

    Raises
    ------
    ValueError
    """
    counts = Counter(labels)
    if len(counts) < counts.total():
        twice = [label for label, count in counts.items() if count > 1]
        what = what if len(twice) > 1 else what.removesuffix("s")
        raise ValueError(f"{argument} has {len(twice)} duplicated {what} ({some(twice)}). {advice}")
