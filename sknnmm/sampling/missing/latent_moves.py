"""Joint moves of latent nodes along directions that the data hardly identify.

Given the other parameters, a latent node is tied to its weight, its SNP effects and its variances:
one at a time they crawl. The moves here change several together and leave the posterior invariant.
"""

import numpy as np

from sknnmm.common.compiled import njit
from sknnmm.sampling.residual import expected_response

BRACKET = 1.0  # width of the first slice of the log scale


class _SliceMove:
    """What moves share that change the values of a latent node and look at its reader.

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
        # A slice of all rows is no copy.
        self._rows = slice(None) if reader.informed.all() else np.flatnonzero(reader.informed)
        self._row_weight = reader.row_weight[self._rows]
        self._latent = range(layer.n_recorded, layer.n_responses)

    def misfit_of(self, chain, k):
        """Return minus the log density of the reader as a function of the values of node k.

        The function takes these values (n,), and a number that divides the weights of the node.
        """
        nodes, reader = self._nodes.of(chain), chain.layers[self._reader.name]
        activate, residual_variance = self._activation_of(chain, k), reader.residual_variance
        own, first = (slice(None), 0) if self._nodes.activation.is_network else (slice(k, k + 1), k)
        weights = nodes.effects[first].astype(float)
        target = self._residual.rows(reader)[self._rows]
        target = target + nodes.activated[self._rows, own] * weights

        def misfit(node, divisor=1.0):
            activated = activate(node[self._rows])
            return half_misfit(
                target, activated, weights / divisor, self._row_weight, residual_variance
            )

        return misfit

    def _activation_of(self, chain, k):
        """Return g, or f, as a function of the values of node k in the rows of the reader.

        It returns what the weights are multiplied by, (rows, 1); of a network function (rows, C).
        """
        activation = self._nodes.activation
        if not activation.by_rows:
            return lambda node: activation.value(node)[:, None]
        rows = chain.layers[self._layer.name].response[self._rows].copy()
        own = slice(None) if activation.is_network else slice(k, k + 1)

        def activate(node):
            rows[:, k] = node
            return activation.evaluate(rows)[:, own]  # where it is not finite, the move is refused

        return activate

    def _slice_from(self, log_density, rng):
        """Return a factor of which `log_density` is the log density of its logarithm."""
        low = -BRACKET * rng.random()
        with np.errstate(over="ignore", invalid="ignore"):  # far out, where it is refused
            return np.exp(slice_draw(log_density, low, low + BRACKET, rng))


class LatentScale(_SliceMove):
    """Moves the split of scale between a latent node and its weights.

    z_k, all that it is made of and their SDs are multiplied by t, w_k is divided by it: a draw
    along the orbit of a group (Liu & Sabatti 2000, doi 10.1093/biomet/87.2.353). The layer of the
    node keeps its density, so t^-2 is gamma given the priors of the variances and of w_k wherever
    g(t z) = t g(z); else it depends on the responses of the reader too, and log t is drawn by slice
    sampling.
    """

    @staticmethod
    def applies(layer, nodes, variances):
        """Return whether the layer has latent nodes whose scale is free to move."""
        is_free = variances.are_drawn and not any(term.fixes_scale for term in layer.terms)
        return layer.n_latent > 0 and nodes.has_weights and is_free

    def draw(self, chain, rng):
        """Draw the scale of every latent node once."""
        for k in self._latent:
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
        misfit = self.misfit_of(chain, k)
        node = chain.layers[self._layer.name].response[:, k]

        def log_density(log_factor):
            factor = np.exp(log_factor)
            prior = -2 * shape * log_factor - rate / factor**2
            return prior - misfit(node * node.dtype.type(factor), divisor=factor)

        return self._slice_from(log_density, rng)

    def _multiply(self, chain, k, factor):
        own = chain.layers[self._layer.name]
        own.response[:, k] *= factor
        self._nodes.reactivate_node(self._nodes.of(chain), own.response, k)
        own.residual_variance[k] *= factor**2
        for term in self._layer.terms:
            term.rescale(own.terms[term.name], k, factor)
        self._nodes.of(chain).effects[k] /= factor


class InterweavedScales(_SliceMove):
    """Moves the variances of a latent node with all that they scale, given the reader.

    Given z_k, the residual variance of a node and the prior variances of its effects are drawn from
    what z_k is made of, and hardly move where y says little about z_k. Here it is the standardised
    deviations z_k - E z_k and the standardised effects that are held: a residual SD is multiplied
    by t together with its deviations, the SDs of a term together with its effects, and the reader
    tells how likely that is. Interweaving both parametrisations mixes well where either does (Yu &
    Meng 2011, doi 10.1198/jcgs.2011.203main).
    """

    @staticmethod
    def applies(layer, latent_sampler):
        """Return whether there are latent nodes that are not drawn exactly: those mix well."""
        return layer.n_latent > 0 and latent_sampler != "gibbs"

    def draw(self, chain, rng):
        """Draw one scale of every latent node: that of its deviations, or those of its terms."""
        own = chain.layers[self._layer.name]
        for k in self._latent:
            misfit = self.misfit_of(chain, k)
            if rng.random() < 0.5:  # both in turn would mix little better, for twice the time
                self._scale_deviations(own, k, misfit, rng)
            else:
                self._scale_terms(own, k, misfit, rng)
            self._nodes.reactivate_node(self._nodes.of(chain), own.response, k)

    def _scale_deviations(self, own, k, misfit, rng):
        if not self._variances.are_drawn:
            return
        df, squares = (
            np.broadcast_to(terms, own.residual_variance.shape)[k]
            for terms in self._variances.prior_terms(own)
        )
        rate = 0.5 * squares / own.residual_variance[k]
        expected = expected_response(self._layer, own, lambda contribution: contribution[:, k])
        # Rows that inform nothing, and are never drawn, must not wander off.
        deviations = np.where(self._layer.informed, own.response[:, k] - expected, 0)
        factor = self._draw_factor(0.5 * df, rate, expected, deviations, misfit, rng)
        own.residual_variance[k] *= factor**2
        own.response[:, k] = expected + deviations.dtype.type(factor) * deviations

    def _scale_terms(self, own, k, misfit, rng):
        for term in self._layer.terms:
            state = own.terms[term.name]
            shape, rate = term.scale_terms(state, k)
            if term.fixes_scale or term.informs_residual_variance or shape == 0:
                continue  # or it has none of its own
            part = term.contribution(state)[:, k]
            rest = own.response[:, k] - part
            factor = self._draw_factor(shape, rate, rest, part, misfit, rng)
            term.rescale(state, k, factor)
            own.response[:, k] = rest + term.contribution(state)[:, k]

    def _draw_factor(self, shape, rate, rest, part, misfit, rng):
        """Return a factor t of one part of a node, t^-2 a priori gamma with this shape and rate."""

        def log_density(log_factor):
            factor = np.exp(log_factor)
            prior = -2 * shape * log_factor - rate / factor**2
            return prior - misfit(rest + part.dtype.type(factor) * part)

        return self._slice_from(log_density, rng)


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


@njit(nogil=True, cache=True, error_model="numpy")
def half_misfit(target, activated, weights, row_weight, residual_variance):
    """Return half the weighted squares of target (rows, C) minus activated times weights (C,).

    Per residual variance (C,); activated is (rows, 1) or (rows, C). In double precision.
    """
    total = 0.0
    last = activated.shape[1] - 1
    for i in range(len(target)):
        for c in range(weights.size):
            rest = target[i, c] - weights[c] * activated[i, min(c, last)]
            total += row_weight[i] * rest * rest / residual_variance[c]
    return 0.5 * total


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
