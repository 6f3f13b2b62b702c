"""Joint moves of latent nodes along directions that the data hardly identify.

Given the other parameters, a latent node is tied to its weight, its SNP effects and its variances:
one at a time they crawl. Both moves here change them together and leave the posterior invariant.
"""

import numpy as np

BRACKET = 1.0  # width of the first slice of the log scale


class LatentScale:
    """Moves the split of scale between a latent node and its weight.

    z_k, b_k and the SDs of both are multiplied by t, w_k is divided by it: a draw along the orbit
    of a group (Liu & Sabatti 2000, doi 10.1093/biomet/87.2.353). The first layer keeps its
    density, so t^-2 is gamma given the priors of s2_k, v_k and w_k wherever g(t z) = t g(z); else
    y has its say too, and log t is drawn by slice sampling.
    """

    def __init__(self, model, sampler):
        self._sampler = sampler
        self._model = model
        self._own_variance = not model.snp_prior.relative_to_residual
        self._multipliers = np.array(model.weight_prior.multipliers, float)
        self._rows = np.flatnonzero(model.y_observed)
        self._row_weight = model.y_weight[self._rows]

    @staticmethod
    def applies(model):
        """Return whether the model has latent nodes whose scale is free to move."""
        priors = [model.residual_prior]
        if not model.snp_prior.relative_to_residual:
            priors.append(model.snp_prior)
        return (
            model.n_latent > 0
            and not model.activation.is_network
            and all(prior.estimate_variance for prior in priors)
        )

    def draw(self, chain, rng):
        """Draw the scale of every latent node once."""
        for k in range(self._model.n_observed_nodes, self._model.n_nodes):
            shape, rate = self._gamma(chain, k)
            if self._model.activation.is_homogeneous:
                factor = np.sqrt(rate / rng.standard_gamma(shape))
            else:
                factor = self._slice(chain, k, shape, rate, rng)
            self._multiply(chain, k, factor)

    def _gamma(self, chain, k):
        """Return shape and rate of the gamma law of t^-2, but for the likelihood of y."""
        df, sum_of_squares = self._sampler.omics_variances.prior_terms(1, [])
        shape = 0.5 * df[0]
        rate = 0.5 * sum_of_squares[0] / chain.omics_residual_variance[k]
        if self._own_variance:
            variance = chain.snp.hyper.variance_of(k)
            df = self._model.snp_prior.df
            shape += 0.5 * df * len(variance)
            rate += 0.5 * df * chain.snp.hyper.scale[k] * (1 / variance).sum()
        weight = float(chain.weights.effects[k, 0])
        if weight != 0:
            shape += 0.5
            rate += 0.5 * weight**2 / self._sampler.weights.variance_of(chain)[k]
        return shape, rate

    def _slice(self, chain, k, shape, rate, rng):
        weight = float(chain.weights.effects[k, 0])
        node = chain.omics[self._rows, k]
        rest = (self._sampler.y_without_fixed(chain) - chain.fixed.fit)[self._rows, 0]
        rest = rest + chain.activated[self._rows, k] * weight
        value, residual_variance = self._function_of(chain, k), chain.residual_variance[0]

        def log_density(log_factor):
            factor = np.exp(log_factor)
            misfit = rest - value(node * node.dtype.type(factor)) * (weight / factor)
            prior = -2 * shape * log_factor - rate / factor**2
            squares = np.square(misfit, dtype=float)
            return prior - 0.5 * (self._row_weight @ squares) / residual_variance

        low = -BRACKET * rng.random()
        return np.exp(slice_draw(log_density, low, low + BRACKET, rng))

    def _function_of(self, chain, k):
        """Return g as a function of the values of node k in the rows with y."""
        activation = self._model.activation
        if not activation.by_rows:
            return activation.value
        rows = chain.omics[self._rows]

        def value(node):
            rows[:, k] = node
            return activation.value(rows)[:, k]

        return value

    def _multiply(self, chain, k, factor):
        chain.omics[:, k] *= factor
        activation = self._model.activation
        if activation.by_rows:
            chain.activated[:, k] = activation.value(chain.omics)[:, k]
        elif chain.activated is not chain.omics:
            chain.activated[:, k] = activation.value(chain.omics[:, k])
        chain.snp.effects[chain.snp.hyper.columns.entries(k)] *= factor
        chain.snp.fit[:, k] *= factor
        chain.omics_residual_variance[k] *= factor**2
        if self._own_variance:
            chain.snp.hyper.variance_of(k)[:] *= factor**2
        chain.weights.effects[k] /= factor


class ResidualExchange:
    """Moves residual variance between a latent node and y, with the missing omics integrated out.

    With linear g, y has residual variance w_k^2 s2_k + s2_e given its genotypes: only the priors
    tell the two parts apart. Valid only right before an exact draw of the missing omics.
    """

    def __init__(self, model, sampler):
        self._sampler = sampler
        self._model = model

    @staticmethod
    def applies(model, latent_sampler):
        """Return whether there are latent nodes and missing omics are drawn exactly."""
        return (
            model.has_equal_weights  # else the rows differ in how they share the variance
            and model.n_latent > 0
            and latent_sampler == "gibbs"
            and model.residual_prior.estimate_variance
        )

    def draw(self, chain, rng):
        """Exchange variance between every latent node and y once."""
        model, sampler = self._model, self._sampler
        of_nodes = sampler.omics_variances.prior_terms(
            model.n_nodes, sampler.effects_on_nodes(chain)
        )
        of_y = sampler.variance.prior_terms(1, sampler.effects_on_y(chain))
        for k in range(model.n_observed_nodes, model.n_nodes):
            share = float(chain.weights.effects[k, 0]) ** 2
            if share == 0:
                continue
            node, rest = chain.omics_residual_variance[k], chain.residual_variance[0]
            df, sum_of_squares = np.array(
                [[of_nodes[0][k], of_y[0][0]], [of_nodes[1][k], of_y[1][0]]]
            )

            def log_density(moved, node=node, rest=rest, share=share, df=df, total=sum_of_squares):
                variances = np.array([node + moved / share, rest - moved])
                if (variances <= 0).any():
                    return -np.inf
                return -((0.5 * df + 1) * np.log(variances) + 0.5 * total / variances).sum()

            moved = slice_draw(log_density, -share * node, rest, rng)
            chain.omics_residual_variance[k] += moved / share
            chain.residual_variance[0] -= moved


def slice_draw(log_density, low, high, rng):
    """Draw from a density on (low, high) by slice sampling from 0 (Neal 2003).

    The bracket, which must not depend on where in it 0 lies (a fixed support, or placed at
    random), shrinks towards 0 until a point is in the slice; doi 10.1214/aos/1056562461.
    """
    level = log_density(0.0) - rng.standard_exponential()
    while high - low > 1e-12:
        point = rng.uniform(low, high)
        if log_density(point) >= level:
            return point
        if point < 0:
            low = point
        else:
            high = point
    return 0.0
