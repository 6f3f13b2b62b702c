"""Selection of SNPs before a model, and imputation of animals without genotypes by pedigree.

What scikit-learn provides is not repeated: `SimpleImputer`, `StandardScaler`, `VarianceThreshold`.
"""

from sknnmm.preprocessing._allele_frequency import MinorAlleleFrequencySelector
from sknnmm.preprocessing._linkage import LDPruner
from sknnmm.preprocessing._missing_rate import MissingRateSelector
from sknnmm.preprocessing._pedigree_imputer import PedigreeImputer

__all__ = ["LDPruner", "MinorAlleleFrequencySelector", "MissingRateSelector", "PedigreeImputer"]
