"""The contract of an SNPUpdate: a way to draw the effects of the SNPs of one or more terms.

The conditionals are the same for all; what differs is what an update reads of the data and what it
maintains between iterations. `choose.py` says which serves which data.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from sknnmm.model.network import Network
from sknnmm.priors import ConnectionLayout, DenseLayout
from sknnmm.sampling.residual import RowResidual, SummedResidual, Target
from sknnmm.sampling.snp.interweaving import GroupSteps, Interweaving, Steps
from sknnmm.sampling.snp.sweep_move import move_by_sweeps, move_is_due
from sknnmm.sampling.snp.unexplained import Unexplained
from sknnmm.sampling.state import ChainState
from sknnmm.terms.snps import SNPs, SNPState


class Part(NamedTuple):
    """What an update is given of one of its terms."""

    state: SNPState
    target: Target
    residual_variance: np.ndarray  # (C,)


class SNPUpdate(ABC):
    """Draws of the SNP effects of some terms, in whatever layers they are.

    Parameters
    ----------
    network : Network
    terms : list of SNPs
    """

    keeps_fit = True  # whether genotypes times effects are part of the state
    keeps_products = False  # whether X'W times these are
    has_totals = False  # whether `total` tells second moments of all SNPs
    weighs_changes = True  # whether a sweep returns what it leaves unexplained
    sweep_moves = False  # whether sweeps can move the hyperparameters (`sweep_move.py`)
    draws_coordinates = False  # whether the state holds coordinates V'b instead of effects
    draws_variances = False  # whether `sweep` draws them too, of the prior and of the residuals

    def __init__(self, network: Network, terms: Sequence[SNPs]) -> None:
        self.terms = terms
        self._genotypes = network.genotypes
        self._dtype = network.dtype
        self._expected_residual_variance = {
            layer.name: layer.family.expected_residual_variance for layer in network.layers
        }

    def start(self, term: SNPs, n_samples: int) -> SNPState:
        """Return a state without effects."""
        layout = self.layout(term)
        component = np.zeros(layout.shape, np.int8)
        component[~np.broadcast_to(self.in_model(term), layout.shape)] = -1
        hyper = term.prior.start(
            term.expected_variance, layout, self._expected_residual_variance[term.layer]
        )
        steps = GroupSteps if term.prior.groups else Steps
        n_responses, keeps_fit = term.n_responses, self.keeps_fit
        products = np.zeros(layout.shape[::-1], self._dtype) if self.keeps_products else None
        return SNPState(
            effects=np.zeros(layout.shape, self._dtype),
            component=component,
            hyper=hyper,
            fit=np.zeros((n_samples, n_responses), self._dtype) if keeps_fit else None,
            fit_squares=None if keeps_fit else np.zeros(n_responses),
            fit_products=products,
            steps=steps.start(term.prior, hyper, self.sweep_moves) if self.weighs_changes else None,
        )

    def draw(
        self,
        chain: ChainState,
        residuals: dict[str, RowResidual | SummedResidual],
        rng: np.random.Generator,
        interweaving: Interweaving | None = None,
        tuning: bool = False,
    ) -> None:
        """Draw the effects of all terms, then the hyperparameters of their priors.

        `interweaving` moves both together, its proposals `tuning` during burn-in.
        """
        parts = self.parts(chain, residuals)
        if self.sweep_moves and interweaving is not None and move_is_due(parts):
            unexplained = move_by_sweeps(self, parts, rng, tuning)
        else:
            unexplained = self.sweep(parts, rng)
        if self.draws_variances:
            return
        for term, part in zip(self.terms, parts, strict=True):
            term.draw_hyperparameters(part.state, part.residual_variance, rng)
        for term, part, of_term in zip(self.terms, parts, unexplained or (), strict=False):
            if interweaving is not None:
                interweaving.draw(term.prior, part, of_term, rng, tuning, self.sweep_moves)
            of_term.settle()

    def parts(
        self, chain: ChainState, residuals: dict[str, RowResidual | SummedResidual]
    ) -> list[Part]:
        """Return what the draw of every term is given."""
        parts = []
        for term in self.terms:
            own = chain.layers[term.layer]
            target = Target(residuals[term.layer], own, term)
            parts.append(Part(own.terms[term.name], target, own.residual_variance))
        return parts

    @abstractmethod
    def sweep(self, parts: list[Part], rng: np.random.Generator) -> Sequence[Unexplained] | None:
        """Draw every SNP effect once, given a Part for every term.

        Return what is left unexplained by every term; nothing if not `weighs_changes`.
        """

    def refresh(self, states: Sequence[SNPState]) -> None:  # noqa: B027  not for all
        """Recompute what is maintained of every term, which rounding has moved."""

    def measure(self, chain: ChainState) -> None:  # noqa: B027
        """Take sums of data that have been exchanged, as in no fit."""

    def layout(self, term: SNPs) -> DenseLayout | ConnectionLayout:
        """Return the layout of the effects of a term."""
        return DenseLayout(self._genotypes.shape[1], term.n_responses)

    def in_model(self, term: SNPs) -> np.ndarray:
        """Return which effects of a term can be nonzero, in their layout."""
        return self._genotypes.polymorphic[:, None] & term.connected

    def snp_effects(self, state: SNPState, rng: np.random.Generator) -> np.ndarray:
        """Return the SNP effects per allele of a state, (p, C), or (m,) of connections."""
        return state.effects

    def fit_everywhere(
        self, state: SNPState, rng: np.random.Generator, drawn: np.ndarray | None = None
    ) -> np.ndarray:
        """Return genotypes times effects for all rows, (n, C); of what `complete` drew if given."""
        return state.fit

    # Of updates that draw from sums over the rows (`keeps_fit` False) ------------------------

    def table(self, rows: np.ndarray) -> np.ndarray:
        """Return X'W rows for rows (n, r) of predictors, in the order of the effects, (m, r)."""
        raise NotImplementedError

    def products_by_response(self, rows: np.ndarray) -> np.ndarray:
        """Return X'W rows for rows (n, C), one for each response, shaped like the effects."""
        raise NotImplementedError

    # Of updates with `has_totals` ------------------------------------------------------------

    def total(
        self, states: Sequence[SNPState], weights: Sequence[np.ndarray | None]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the effects of all columns times their weights, (p, R), and X'WX times these.

        `weights` (C, R) of every state, None: columns as they are; the second result is (R, p).
        """
        raise NotImplementedError

    def fitted(self, effects: np.ndarray) -> np.ndarray:
        """Return genotypes times such effects, (n, R), for effects (m, R)."""
        raise NotImplementedError

    def squared_fit(self, state: SNPState) -> np.ndarray:
        """Return the weighted sums of squares (C,) of genotypes times effects."""
        raise NotImplementedError

    # Of updates with `draws_coordinates` -----------------------------------------------------

    def complete(self, state: SNPState, rng: np.random.Generator) -> np.ndarray:
        """Return coordinates that tell genotypes times effects of all rows, (m, C)."""
        raise NotImplementedError

    def effects_given(
        self,
        coordinates: Sequence[np.ndarray],
        variances: Sequence[np.ndarray],
        rng: np.random.Generator,
    ) -> list[np.ndarray]:
        """Return draws of the SNP effects (p, C), given what `complete` drew and the variances."""
        raise NotImplementedError

    def mean_snp_effects(self, coordinates: np.ndarray) -> np.ndarray:
        """Return the mean SNP effects (p, C) given the coordinates of a state."""
        raise NotImplementedError
