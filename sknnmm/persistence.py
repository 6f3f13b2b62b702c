"""What a secure file format must be told to trust.

`skops.io` loads only types that it knows or that the caller lists; unlike pickle it runs no code of
the file. Functions of the user cannot be stored this way.
"""

from pathlib import Path

from scipy import sparse

from sknnmm.activations import ACTIVATIONS
from sknnmm.effects import Fixed, Random
from sknnmm.estimators.classifier import NNMMClassifier
from sknnmm.estimators.regressor import NNMMRegressor
from sknnmm.estimators.variance_components import FittedRandom
from sknnmm.families import Gaussian
from sknnmm.inputs.fitted_columns import FittedColumns
from sknnmm.inputs.fixed_columns import FixedColumns
from sknnmm.inputs.formulas import FormulaColumns
from sknnmm.inputs.random_columns import RandomLevels
from sknnmm.inputs.scales import Scales
from sknnmm.model.variables import Variable
from sknnmm.posterior.draws import Posterior
from sknnmm.prediction.fitted_network import FittedNetwork
from sknnmm.prediction.layer import FittedLayer
from sknnmm.prediction.nodes_part import ActivatedNodes
from sknnmm.prediction.parts import FixedPart, SNPsPart
from sknnmm.prediction.random_part import RandomPart
from sknnmm.priors import METHODS, ScaledInverseChi2
from sknnmm.relationship import Pedigree, Relationship

#: Names of the types in a fitted estimator, for ``skops.io.load(file, trusted=TRUSTED_TYPES)``.
TRUSTED_TYPES: list[str] = sorted(
    f"{kind.__module__}.{kind.__qualname__}"
    for kind in {
        NNMMClassifier,
        NNMMRegressor,
        FittedColumns,
        FittedNetwork,
        FittedLayer,
        FixedPart,
        SNPsPart,
        ActivatedNodes,
        Pedigree,
        Posterior,
        Fixed,
        FixedColumns,
        FormulaColumns,
        FittedRandom,
        Gaussian,
        Random,
        RandomLevels,
        RandomPart,
        Relationship,
        Scales,
        ScaledInverseChi2,
        Variable,
        sparse.csc_array,
        sparse.csr_array,
        type(Path()),  # of a checkpoint
        *METHODS.values(),
        *(type(activation) for activation in ACTIVATIONS.values()),
    }
)
