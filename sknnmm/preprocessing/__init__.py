"""Selection of SNPs before a model: by allele frequency, missing values and linkage.

What scikit-learn provides is not repeated: `SimpleImputer`, `StandardScaler`, `VarianceThreshold`.
"""

from sknnmm.preprocessing._allele_frequency import MinorAlleleFrequencySelector
from sknnmm.preprocessing._linkage import LDPruner
from sknnmm.preprocessing._missing_rate import MissingRateSelector

__all__ = ["LDPruner", "MinorAlleleFrequencySelector", "MissingRateSelector"]
