"""Labels that must be unique."""

import pandas as pd

from sknnmm.common.messages import some


def refuse_duplicates(labels, argument, what, advice):
    """Raise if labels are not unique.

    Parameters
    ----------
    labels : sequence
    argument, what, advice : str
        What has them, what they are and what to do, for the message.

    Raises
    ------
    ValueError
    """
    index = pd.Index(list(labels), tupleize_cols=False)
    if index.has_duplicates:
        twice = index[index.duplicated()].unique()
        raise ValueError(f"{argument} has duplicated {what}: {some(twice)}. {advice}")
