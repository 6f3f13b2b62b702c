from collections.abc import Mapping

from scipy import sparse


def is_sparse(mask):
    return sparse.issparse(mask) or isinstance(mask, Mapping)


def resolve_mask(mask, snp_names, omics_names, n_latent):
    if mask is None:
        return None
    m = sparse.csc_array(mask, dtype=bool)
    m.eliminate_zeros()
    m.sort_indices()
    return None if m.nnz == m.shape[0] * m.shape[1] else m
