"""BLUP with any number of kernels, variances by restricted maximum likelihood (REML).

    y = mean + sum_k u_k + e,   u_k ~ N(0, s2_e lambda_k K_k),   e ~ N(0, s2_e I)

With one kernel of SNPs this is GBLUP; with one of SNPs and one of omics it is the usual way to
predict from both. The mean is estimated by generalised least squares.
"""

from typing import NamedTuple

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize

LOG_RATIOS = (-7.0, 5.0)  # bounds of the logarithms of lambda


class BLUP(NamedTuple):
    """A fit: the mean, V^-1 (y - mean) and the variance ratios lambda."""

    mean: float
    weighted_residual: np.ndarray
    ratios: np.ndarray

    def predict(self, cross_kernels):
        """Return predictions from kernels (new, training) between individuals."""
        covariance = sum(r * kernel for r, kernel in zip(self.ratios, cross_kernels, strict=True))
        return self.mean + covariance @ self.weighted_residual

    def shares(self):
        """Return each kernel's share of the variance, if the mean of its diagonal is 1."""
        return self.ratios / (1 + self.ratios.sum())


def fit_blup(y, kernels):
    """Return the REML fit with a mean as the only fixed effect.

    The computation is in a basis of the rows in which all kernels are zero but for r coordinates:
    hybrids of few parents have many more rows than that.
    """
    problem = Problem(y, kernels)
    found = minimize(
        problem.deviance,
        x0=np.full(len(kernels), np.log(1 / len(kernels))),
        jac=True,
        bounds=[LOG_RATIOS] * len(kernels),
        method="L-BFGS-B",
    )
    ratios = np.exp(found.x)
    mean, weighted, _ = problem.gls(problem.solver(ratios)[0])
    # V^-1 is the identity outside the basis.
    rest = y - mean - problem.basis @ (problem.y - problem.ones * mean)
    return BLUP(mean, problem.basis @ weighted + rest, ratios)


class Problem:
    """The model in r coordinates, and what the other n - r say about the residual variance."""

    def __init__(self, y, kernels):
        ones = np.ones(len(y))
        values, vectors = np.linalg.eigh(sum(kernels) + np.outer(ones, ones) / len(y))
        self.basis = vectors[:, values > 1e-9 * values[-1]]
        self.y, self.ones = self.basis.T @ y, self.basis.T @ ones
        self.kernels = [self.basis.T @ kernel @ self.basis for kernel in kernels]
        self.outside = y @ y - self.y @ self.y
        self.degrees = len(y) - 1

    def solver(self, ratios):
        """Return the function b -> V^-1 b of V = I + sum_k lambda_k K_k, and log |V|."""
        covariance = sum(r * kernel for r, kernel in zip(ratios, self.kernels, strict=True))
        factor = cho_factor(covariance + np.eye(len(covariance)), lower=True)
        return lambda b: cho_solve(factor, b), 2 * np.log(np.diag(factor[0])).sum()

    def gls(self, solve):
        """Return the mean, V^-1 (y - mean) and 1' V^-1 1."""
        inverse_ones = solve(self.ones)
        information = self.ones @ inverse_ones
        mean = (inverse_ones @ self.y) / information
        return mean, solve(self.y - self.ones * mean), information

    def deviance(self, log_ratios):
        """Return -2 log restricted likelihood, s2_e maximised out, and its gradient."""
        ratios = np.exp(log_ratios)
        solve, log_determinant = self.solver(ratios)
        mean, weighted, information = self.gls(solve)
        squares = (self.y - self.ones * mean) @ weighted + self.outside
        inverse, inverse_ones = solve(np.eye(len(self.y))), solve(self.ones)
        projection = inverse - np.outer(inverse_ones, inverse_ones) / information
        deviance = self.degrees * np.log(squares) + log_determinant + np.log(information)
        gradient = [
            np.vdot(projection, kernel) - self.degrees * (weighted @ kernel @ weighted) / squares
            for kernel in self.kernels
        ]
        return deviance, ratios * np.array(gradient)
