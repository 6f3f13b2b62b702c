"""Labels given twice are named."""

import pytest

from sknnmm.common.duplicates import refuse_duplicates


def test_each_label_is_named_once():
    labels = ["b", 1, "a", "b", "1", "b", "a"]
    with pytest.raises(ValueError, match=r"^X has 2 duplicated names \(b, a\)\. Rename them\.$"):
        refuse_duplicates(labels, "X", "names", "Rename them.")


def test_tuples_are_labels():
    refuse_duplicates([("a", 1), ("a", 2)], "X", "names", "Rename them.")
    with pytest.raises(ValueError, match=r"1 duplicated name"):
        refuse_duplicates([("a", 1), ("a", 1)], "X", "names", "Rename them.")
