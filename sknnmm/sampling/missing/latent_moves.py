"""Joint moves of latent nodes along directions that the data hardly identify.

Given the other parameters, a latent node is tied to its weight, its SNP effects and its variances:
one at a time they crawl. Both moves here change them together and leave the posterior invariant.
"""

import numpy as np

BRACKET = 1.0  # width of the first slice of the log scale


class LatentScale:
    """Moves the split of scale between a latent node and its weights.

    z_k, all that it is made of and their SDs are multiplied by t, w_k is divided by it: a draw
    along the orbit of a group (Liu & Sabatti 2000, doi 10.1093/biomet/87.2.353). The layer of the
    node keeps its density, so t^-2 is gamma given the priors of the variances and of w_k wherever
    g(t z) = t g(z); else it depends on the responses of the reader too, and log t is drawn by slice
    sampling.

    Parameters
    ----------
    layer, reader : Layer
    nodes : Nodes
        Through which the reader depends on the layer.
    residual : RowResidual or SummedResidual
        Of the reader.
    variances : ResidualVariances
        Of the layer.
    """

    def __init__(self, layer, reader, nodes, residual, variances):
        self._layer, self._reader, self._nodes = layer, reader, nodes
        self._residual, self._variances = residual, variances
        self._rows = np.flatnonzero(reader.informed)
        self._row_weight = reader.row_weight[self._rows]

    @staticmethod
    def applies(layer, nodes, variances):
        """Return whether the layer has latent nodes whose scale is free to move."""
        is_free = variances.are_drawn and not any(term.fixes_scale for term in layer.terms)
        return layer.n_latent > 0 and nodes.has_weights and is_free

    def draw(self, chain, rng):
        """Draw the scale of every latent node once."""
        for k in range(self._layer.n_recorded, self._layer.n_responses):
            shape, rate = self._gamma(chain, k)
            if self._nodes.activation.is_homogeneous:
                factor = np.sqrt(rate / rng.standard_gamma(shape))
            else:
                factor = self._slice(chain, k, shape, rate, rng)
            self._multiply(chain, k, factor)

    def _gamma(self, chain, k):
        """Return shape and rate of the gamma distribution of t^-2, but for the reader."""
        own = chain.layers[self._layer.name]
        df, sum_of_squares = self._variances.own_terms
        shape = 0.5 * df
        rate = 0.5 * sum_of_squares / own.residual_variance[k]
        for term in self._layer.terms:
            of_term = term.scale_terms(own.terms[term.name], k)
            shape, rate = shape + of_term[0], rate + of_term[1]
        weights = self._nodes.of(chain).effects[k].astype(float)
        nonzero = weights != 0
        if nonzero.any():
            residual_variance = chain.layers[self._reader.name].residual_variance
            variance = self._nodes.variance_of(self._nodes.of(chain), residual_variance)[k]
            shape += 0.5 * np.count_nonzero(nonzero)
            rate += 0.5 * (weights[nonzero] ** 2 / variance[nonzero]).sum()
        return shape, rate

    def _slice(self, chain, k, shape, rate, rng):
        nodes = self._nodes.of(chain)
        weights = nodes.effects[k].astype(float)
        node = chain.layers[self._layer.name].response[self._rows, k]
        reader = chain.layers[self._reader.name]
        target = self._residual.rows(reader)[self._rows]
        target = target + nodes.activated[self._rows, k, None] * weights
        value, residual_variance = self._function_of(chain, k), reader.residual_variance

        def log_density(log_factor):
            factor = np.exp(log_factor)
            activated = value(node * node.dtype.type(factor))
            misfit = target - activated[:, None] * (weights / factor)
            prior = -2 * shape * log_factor - rate / factor**2
            squares = self._row_weight @ np.square(misfit, dtype=float)
            return prior - 0.5 * (squares / residual_variance).sum()

        low = -BRACKET * rng.random()
        return np.exp(slice_draw(log_density, low, low + BRACKET, rng))

    def _function_of(self, chain, k):
        """Return g as a function of the values of node k in the rows that inform the reader."""
        activation = self._nodes.activation
        if not activation.by_rows:
            return activation.value
        rows = chain.layers[self._layer.name].response[self._rows]

        def value(node):
            rows[:, k] = node
            return activation.value(rows)[:, k]

        return value

    def _multiply(self, chain, k, factor):
        own = chain.layers[self._layer.name]
        own.response[:, k] *= factor
        self._nodes.reactivate_node(self._nodes.of(chain), own.response, k)
        own.residual_variance[k] *= factor**2
        for term in self._layer.terms:
            term.rescale(own.terms[term.name], k, factor)
        self._nodes.of(chain).effects[k] /= factor


class ResidualExchange:
    """Moves residual variance between a latent node and y, with the missing omics integrated out.

    With linear g, y has residual variance w_k^2 s2_k + s2_e given its genotypes: only the priors
    tell the two parts apart. Valid only right before an exact draw of the missing omics.

    Parameters
    ----------
    layer, reader : Layer
        The reader has one response.
    nodes : Nodes
    variances, reader_variances : ResidualVariances
    """

    def __init__(self, layer, reader, nodes, variances, reader_variances):
        self._layer, self._reader, self._nodes = layer, reader, nodes
        self._variances, self._reader_variances = variances, reader_variances

    @staticmethod
    def applies(layer, reader, latent_sampler, variances, reader_variances):
        """Return whether there are latent nodes and missing omics are drawn exactly."""
        return (
            layer.has_equal_weights  # else the rows differ in how they share the variance
            and reader.has_equal_weights
            and reader.n_responses == 1  # several would share the variance of the node
            and layer.n_latent > 0
            and latent_sampler == "gibbs"
            and variances.are_drawn
            and reader_variances.are_drawn
        )

    def draw(self, chain, rng):
        """Exchange variance between every latent node and y once."""
        own, reader = chain.layers[self._layer.name], chain.layers[self._reader.name]
        shape = own.residual_variance.shape
        of_nodes = [np.broadcast_to(v, shape) for v in self._variances.prior_terms(own)]
        of_y = [np.ravel(v)[0] for v in self._reader_variances.prior_terms(reader)]
        for k in range(self._layer.n_recorded, self._layer.n_responses):
            share = float(self._nodes.of(chain).effects[k].item()) ** 2
            if share == 0:
                continue
            node, rest = own.residual_variance[k], reader.residual_variance.item()
            df, sum_of_squares = np.array([[of_nodes[0][k], of_y[0]], [of_nodes[1][k], of_y[1]]])

            def log_density(moved, node=node, rest=rest, share=share, df=df, total=sum_of_squares):
                variances = np.array([node + moved / share, rest - moved])
                if (variances <= 0).any():
                    return -np.inf
                return -((0.5 * df + 1) * np.log(variances) + 0.5 * total / variances).sum()

            moved = slice_draw(log_density, -share * node, rest, rng)
            own.residual_variance[k] += moved / share
            reader.residual_variance -= moved


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
