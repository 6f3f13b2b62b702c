"""Groups of SNPs and omics, and the priors that belong to them."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from sknnmm.inputs.group_priors import prior_of_groups
from sknnmm.inputs.groups import Groups, resolve_omics_groups, resolve_snp_groups
from sknnmm.priors import GBLUP, RRBLUP, BayesC, BayesL, GroupedPrior
from tests.helpers.inputs import fit_inputs

SNPS = np.array([f"rs{j}" for j in range(6)], object)
NODES = np.array(["a", "b", "c", "latent_0"], object)


@pytest.mark.parametrize(
    "groups",
    [
        {"even": ["rs0", "rs2", "rs4"], "odd": ["rs1", "rs3", "rs5"]},
        {"even": slice(0, None, 2), "odd": [1, 3, 5]},
        {"even": [True, False] * 3, "odd": np.array([1, 3, 5])},
        ["even", "odd"] * 3,
        np.array(["even", "odd"] * 3),
        pd.Series(["odd", "even"] * 3, index=["rs5", "rs4", "rs3", "rs2", "rs1", "rs0"]),
        pd.Series(["even", "odd"] * 3, dtype="category"),
    ],
    ids=["names", "positions", "booleans", "list", "array", "Series by name", "categories"],
)
def test_every_form_of_groups(groups):
    found = resolve_snp_groups(groups, SNPS)
    number = {name: k for k, name in enumerate(found.names)}
    assert set(number) == {"even", "odd"}
    assert_array_equal(found.of, [number["even"], number["odd"]] * 3)


def test_names_of_groups_are_text_in_order():
    assert resolve_snp_groups([2, 1, 2, 1, 10, 2], SNPS).names == ("2", "1", "10")


def test_names_that_X_lacks_are_dropped_with_a_warning():
    groups = pd.Series("x", index=[*SNPS[::-1], "rs90", "rs91"])
    with pytest.warns(UserWarning, match=r"snp_groups names 2 SNPs not in X \(rs90, rs91"):
        assert_array_equal(resolve_snp_groups(groups, SNPS).of, 0)


def test_latent_nodes_have_a_group_of_their_own_unless_one_is_given():
    found = resolve_omics_groups({"x": ["a"], "y": ["c", "b"]}, NODES, 1)
    assert found.names == ("x", "y", "latent")
    assert_array_equal(found.of, [0, 1, 1, 2])
    found = resolve_omics_groups({"x": ["a", "latent_0"], "y": slice(1, 3)}, NODES, 1)
    assert found.names == ("x", "y")
    assert_array_equal(found.of, [0, 1, 1, 0])
    assert_array_equal(resolve_omics_groups(["x", "y", "y"], NODES, 1).of, [0, 1, 1, 2])


PROBLEMS = {
    "two groups": ({"a": [0, 1, 2], "b": slice(2, 6)}, "SNPs in two groups, a and b: rs2"),
    "no group": ({"a": [0, 1], "b": [2, 3]}, r"leaves 2 of 6 SNPs in no group \(rs4, rs5\)"),
    "missing": (["a", "b", None, "a", "b", "b"], r"leaves 1 of 6 SNPs in no group \(rs2\)"),
    "empty": ({"a": slice(0, 6), "b": []}, "groups without SNPs of these data: b"),
    "length": (["a", "b"], "has 2 values but X has 6 SNPs"),
    "position": ({"a": [0, 6]}, "the SNP position 6; positions go from 0 to 5"),
    "reserved": ({"all": slice(0, 6)}, "a group 'all', which has a meaning in group_variance_"),
    "same name": ({"1": [0, 1, 2], 1: [3, 4, 5]}, "1 duplicated group name"),
    "mixed labels": ({"a": [0, "rs1"]}, "must be all names or all integer positions"),
}


@pytest.mark.parametrize(("groups", "message"), PROBLEMS.values(), ids=PROBLEMS)
def test_groups_that_are_refused(groups, message):
    with pytest.raises(ValueError, match=f"snp_groups.*{message}"):
        resolve_snp_groups(groups, SNPS)


def test_groups_of_another_type():
    with pytest.raises(TypeError, match="snp_groups must be None, a mapping.*got int"):
        resolve_snp_groups(3, SNPS)


def test_groups_of_omics_that_are_refused():
    with pytest.raises(ValueError, match="omics_groups has unknown omics: z.*a, b, c, latent_0"):
        resolve_omics_groups({"x": ["a", "b", "c", "z"]}, NODES, 1)
    with pytest.raises(ValueError, match=r"leaves 1 of 4 nodes in no group \(c\)"):
        resolve_omics_groups({"x": ["a", "b"]}, NODES, 1)
    with pytest.raises(ValueError, match="omics_groups has 2 values but there are 3 omics"):
        resolve_omics_groups(["x", "y"], NODES, 1)
    with pytest.raises(ValueError, match="there are none: pass omics"):
        resolve_omics_groups({"x": ["a"]}, np.empty(0, object), 0)


TWO = Groups(("x", "y"), np.array([0, 1, 1]))


def test_priors_of_groups():
    prior = prior_of_groups({"y": "RR-BLUP", "x": BayesC(df=4)}, "method", TWO)
    assert prior.groups == ("x", "y")
    assert prior.parts == (BayesC(df=4), RRBLUP())
    assert prior_of_groups("BayesL", "method", TWO).parts == (BayesL(), BayesL())
    assert prior_of_groups("BayesL", "method", None) == BayesL()
    one = Groups(("x",), np.zeros(3, int))
    assert prior_of_groups({"x": GBLUP()}, "method", one) == GBLUP()


def test_priors_that_are_not_those_of_the_groups():
    with pytest.raises(ValueError, match="method has priors of unknown groups: z.*are x, y"):
        prior_of_groups({"x": "BayesC", "y": "BayesC", "z": "BayesC"}, "method", TWO)
    with pytest.raises(ValueError, match="omics_method has no prior of the groups y"):
        prior_of_groups({"x": "BayesC"}, "omics_method", TWO)


def test_equal_shares_of_variance():
    """0.6 / 2 over the variances of the SNPs of a group that act on a column."""
    prior = GroupedPrior({"x": RRBLUP(), "y": GBLUP()}, TWO.of, np.array([9.0, 2.0, 1.0]))
    expected = prior.expected_variance(
        0.6, np.array([1.0, 2.0, 3.0]), lambda values: np.array([values.sum(), values[:2].sum()])
    )
    assert_array_equal(expected, [[0.3, 0.3], [0.3 / (2 * 4 + 3), 0.3 / 8]])


IN_FIT = {
    "priors without groups": (
        dict(method={"x": "BayesC"}),
        r"method has priors of groups \(x\), but snp_groups does not say",
    ),
    "priors of omics without groups": (
        dict(omics_method={"x": "BayesC"}),
        r"omics_method has priors of groups \(x\), but omics_groups does not say",
    ),
    "direct effects without groups": (
        dict(direct_effects={"x": BayesC()}),
        r"direct_effects has priors of groups \(x\), but snp_groups does not say",
    ),
    "no prior": (
        dict(method={"x": "BayesZ"}, snp_groups={"x": slice(None)}),
        r"method\['x'\] must be a prior or one of .*RR-BLUP.*got 'BayesZ'",
    ),
    "hyperparameter": (
        dict(method={"x": BayesC(pi=2)}, snp_groups={"x": slice(None)}),
        "'pi' parameter of BayesC",
    ),
    "GBLUP of omics": (
        dict(omics_method={"x": GBLUP()}, omics_groups={"x": slice(None)}),
        "omics_method='GBLUP' is refused",
    ),
    "network function": (
        dict(activation=lambda z: z.sum(axis=1), omics_groups={"x": slice(None)}),
        "omics_groups are groups of weights, but activation is a function of all nodes",
    ),
    "unknown group": (
        dict(method={"y": BayesC(), "x": BayesC()}, snp_groups={"x": slice(None)}),
        "method has priors of unknown groups: y",
    ),
}


@pytest.mark.parametrize(("parameters", "message"), IN_FIT.values(), ids=IN_FIT)
@pytest.mark.usefixtures("no_sampling")
def test_groups_that_fit_refuses(parameters, message, data, short):
    with pytest.raises(ValueError, match=f"(?s){message}"):
        short(**parameters).fit(**fit_inputs(data))
