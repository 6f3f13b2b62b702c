"""Which SNPs act on which nodes of a partially connected network."""

import numpy as np
from scipy import sparse

from sknnmm.priors._layout import ConnectionLayout

#: Share of connected pairs up to which the connections are swept one by one, instead of all
#: pairs in blocks. In blocks a pair takes half the time with 10 nodes and 3,534 individuals
#: (benchmarks/bench_partial.py), and less with more nodes.
SPARSE_UP_TO = 0.3


class Connections:
    """The connected pairs of SNP and node, node after node.

    Parameters
    ----------
    mask : scipy.sparse.csc_array of shape (p, K), bool
        Sorted indices, no explicit zeros; every column has an entry.
    """

    def __init__(self, mask: sparse.csc_array) -> None:
        self.shape = mask.shape
        self.snps = mask.indices.astype(np.int32)  # of every connection
        self.layout = ConnectionLayout(mask.indptr, self.snps)

    @property
    def few(self) -> bool:
        """Return whether it pays to sweep the connections one by one."""
        return len(self.snps) <= SPARSE_UP_TO * self.shape[0] * self.shape[1]

    @property
    def positions(self) -> np.ndarray:
        """Return the flat index (int64) of every connection in an array (p, K)."""
        return self.snps * np.int64(self.shape[1]) + self.layout.column_of

    def sums(self, per_snp: np.ndarray) -> np.ndarray:
        """Return sums of values (p,) over the SNPs of each node, (K,)."""
        return self.layout.sum(per_snp[self.snps])

    def dense(self) -> np.ndarray:
        """Return the connections as an array (p, K), bool."""
        mask = np.zeros(self.shape, bool)
        mask[self.snps, self.layout.column_of] = True
        return mask

    def pick(self, table: np.ndarray) -> np.ndarray:
        """Return the connected entries (m,) of an array (p, K)."""
        return table[self.snps, self.layout.column_of]

    def table(self, values: np.ndarray) -> sparse.csc_array:
        """Return values (m,) of the connections as a csc_array (p, K)."""
        return sparse.csc_array((values, self.snps, self.layout.indptr), shape=self.shape)
