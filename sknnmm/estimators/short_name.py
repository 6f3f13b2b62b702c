"""An estimator in a few words, for messages: in a grid search they tell its candidates apart."""

from inspect import signature

LONGEST_VALUE = 40  # characters
LEFT_OUT = {"checkpoint", "n_jobs", "verbose"}  # do not change the chains


def short_name(estimator):
    """Return the class and the parameters that are not at their defaults, long values cut."""
    parameters = signature(type(estimator)).parameters
    texts = {name: repr(getattr(estimator, name)) for name in parameters if name not in LEFT_OUT}
    changed = [
        f"{name}={_cut(text)}"
        for name, text in texts.items()
        if text != repr(parameters[name].default)
    ]
    return f"{type(estimator).__name__}({', '.join(changed)})"


def _cut(text):
    text = " ".join(text.split())
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 4]} ..."
