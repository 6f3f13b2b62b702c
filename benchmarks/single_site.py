"""The plain sampler: one SNP effect on one omic at a time, compiled, nothing blocked.

What our sweeps are measured against, and in distribution compared with: the textbook algorithm,
written without any of their code. The centred genotypes are held as a whole in the precision of the
sampler, SNP after SNP, and the residuals omic after omic, so that every inner loop runs over
neighbouring numbers (as in NNMM.jl and BGLR).
"""

import numpy as np
from numba import njit

from sknnmm.sampling.snp.base import SNPUpdate


class SingleSiteSweep(SNPUpdate):
    """Gibbs sweep over the SNP effects of some terms; a drop-in for `BlockedSweep`.

    It is used as::

        sampler = Sampler(network, [SingleSiteSweep(network, terms)])

    Parameters
    ----------
    network : Network
    terms : list of SNPs
        All that the network has.
    """

    def __init__(self, network, terms):
        super().__init__(network, terms)
        self._centred = _centred_genotypes(network.genotypes, network.dtype)
        self._row_weights = [_weights_unless_one(t.row_weight, network.dtype) for t in terms]
        self._squares = [_sums_of_squares(self._centred, term.row_weight) for term in terms]

    def sweep(self, parts, rng):
        """Draw every SNP effect once (see SNPUpdate)."""
        shape = (len(self._centred), sum(term.n_responses for term in self.terms))
        normals, uniforms = rng.standard_normal(shape), rng.random(shape)
        first = 0
        for term, part, row_weight, squares in zip(
            self.terms, parts, self._row_weights, self._squares, strict=True
        ):
            columns = slice(first, first + term.n_responses)
            first += term.n_responses
            state, target = part.state, part.target.rows()
            residual = np.ascontiguousarray((target - state.fit).T)
            variance = state.hyper.variance
            if term.prior.relative_to_residual:
                variance = variance * part.residual_variance
            with np.errstate(divide="ignore"):
                log_weights = np.log(state.hyper.weights)
            sweep_columns(
                self._centred,
                squares,
                row_weight,
                residual,
                state.effects,
                state.component,
                np.array(term.prior.multipliers, float),
                log_weights,
                np.broadcast_to(variance, state.effects.shape),
                part.residual_variance,
                normals[:, columns],
                uniforms[:, columns],
            )
            np.subtract(target, residual.T, out=state.fit)

    def refresh(self, states):
        """Recompute the maintained fits (see SNPUpdate)."""
        for state in states:
            state.fit[:] = (state.effects.T @ self._centred).T


def _centred_genotypes(genotypes, dtype):
    """Return all centred dosages, (p, n)."""
    n, p = genotypes.shape
    centred = np.empty((p, n), dtype)
    for snps, block in genotypes.blocks(dtype):
        centred[snps] = block.T
    return centred


def _weights_unless_one(row_weight, dtype):
    """Return the weights of the rows, (n,), or nothing, (0,), if all are 1."""
    return row_weight[: 0 if (row_weight == 1).all() else None].astype(dtype)


def _sums_of_squares(centred, row_weight):
    """Return x_j' W x_j of every SNP, (p,), in double precision."""
    return np.array([np.dot(row_weight, x.astype(float) ** 2) for x in centred])


@njit(nogil=True, cache=True, error_model="numpy")
def sweep_columns(
    centred, squares, row_weight, residual, effects, component, multipliers, log_weights,
    variance, residual_variance, normals, uniforms,
):  # fmt: skip
    """Draw every effect of every column once, one after the other.

    Parameters
    ----------
    centred : (p, n); squares : (p,), x_j' W x_j
    row_weight : (n,), or (0,) if all weights are 1
    residual : (C, n), target - X b for all rows, whatever their weight; updated in place
    effects, component : (p, C), updated in place; component -1 = not in the model
    multipliers : (M,); log_weights : (M, C)
    variance : (p, C); residual_variance : (C,)
    normals, uniforms : (p, C)
    """
    log_odds = np.empty(multipliers.size)
    for k in range(residual.shape[0]):
        s2 = residual_variance[k]
        for j in range(centred.shape[0]):
            if component[j, k] < 0:
                continue
            if row_weight.size:
                product = weighted_dot(row_weight, centred[j], residual[k])
            else:
                product = dot(centred[j], residual[k])
            old = effects[j, k]
            rhs = product + squares[j] * old
            v = variance[j, k]
            chosen = draw_component(
                squares[j], rhs, s2, v, multipliers, log_weights[:, k], uniforms[j, k], log_odds
            )
            component[j, k] = chosen
            if multipliers[chosen] == 0:
                effects[j, k] = 0
            else:
                precision = (squares[j] + s2 / (multipliers[chosen] * v)) / s2
                effects[j, k] = rhs / s2 / precision + normals[j, k] / np.sqrt(precision)
            if effects[j, k] != old:
                add_multiple(old - effects[j, k], centred[j], residual[k])


@njit(nogil=True, cache=True, error_model="numpy")
def draw_component(xx, rhs, s2, variance, multipliers, log_weights, uniform, log_odds):
    """Draw the mixture component of one effect, the effect integrated out.

    Under component m the least-squares numerator rhs is N(0, xx^2 c_m v + xx s2); `log_odds` is
    room for one number per component.
    """
    if multipliers.size == 1:
        return 0
    for m in range(multipliers.size):
        inflation = 1 + xx * multipliers[m] * variance / s2
        fit = rhs * rhs / (xx * s2) * (1 - 1 / inflation)
        log_odds[m] = log_weights[m] + 0.5 * (fit - np.log(inflation))
    highest = log_odds.max()
    total = 0.0
    for m in range(multipliers.size):
        log_odds[m] = np.exp(log_odds[m] - highest)
        total += log_odds[m]
    below = 0.0
    for m in range(multipliers.size - 1):
        below += log_odds[m]
        if uniform * total < below:
            return m
    return multipliers.size - 1


# A sum may be reordered, hence vectorised; everything else keeps IEEE arithmetic.
@njit(nogil=True, cache=True, fastmath={"reassoc", "contract"})
def dot(x, residual):
    """Return x' residual."""
    total = x[0] * residual[0]
    for i in range(1, x.size):
        total += x[i] * residual[i]
    return total


@njit(nogil=True, cache=True, fastmath={"reassoc", "contract"})
def weighted_dot(weight, x, residual):
    """Return x' W residual."""
    total = weight[0] * x[0] * residual[0]
    for i in range(1, x.size):
        total += weight[i] * x[i] * residual[i]
    return total


@njit(nogil=True, cache=True, fastmath={"contract"})
def add_multiple(factor, x, residual):
    """Add a multiple of x to the residual, in place."""
    for i in range(x.size):
        residual[i] += factor * x[i]
