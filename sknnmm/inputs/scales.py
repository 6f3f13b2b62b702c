"""Location and scale of the data, by which they are standardised, in any unit."""

from dataclasses import dataclass

import numpy as np

from sknnmm.common.constant import mean_and_sd

#: SDs; ratios of two units have squares in double precision.
SMALLEST_SD, LARGEST_SD = 1e-75, 1e75


@dataclass(frozen=True)
class Scales:
    """Location and scale of the data: original = mean + scale * standardised."""

    y_mean: float  # 0 and 1 of a liability
    y_scale: float
    omics_mean: np.ndarray  # (K,), 0 for latent nodes
    omics_scale: np.ndarray  # (K,), 1 for latent nodes
    covariates_mean: dict[str, np.ndarray]  # (q,) of each layer, by its name
    covariates_scale: dict[str, np.ndarray]  # (q,) of each layer
    omics_vary: np.ndarray  # (K,) bool; True for latent nodes
    weight_mean: float  # of sample_weight over the records: those of the sampler are relative to it

    @property
    def omics_unit(self):
        """Return what turns standardised effects on nodes into omic units; 0 without variance."""
        return np.where(self.omics_vary, self.omics_scale, 0)

    def standardised(self, nodes):
        """Return nodes (..., K) on the sampling scale."""
        return (nodes - self.omics_mean) / self.omics_scale

    @classmethod
    def of(cls, record, omics, n_latent, covariates, weight_mean=1.0):
        """Return the scales of the observed values (not NaN).

        Parameters
        ----------
        record : Record
            Of the phenotype.
        omics : ndarray of shape (n, n_omics)
        n_latent : int
        covariates : dict of str to ndarray of shape (n, q)
            The design matrix of each layer.
        weight_mean : float

        Raises
        ------
        ValueError
            If double precision cannot hold variances in the unit of an argument.
        """
        _check_sd("y", np.array([record.scale]))
        omics_mean, omics_scale = _checked_mean_and_sd("omics", omics)
        of_covariates = {
            layer: _checked_mean_and_sd("covariates", design)
            for layer, design in covariates.items()
        }
        return cls(
            y_mean=record.location,
            y_scale=record.scale,
            omics_mean=np.append(omics_mean, np.zeros(n_latent)),
            omics_scale=np.append(_or_one(omics_scale), np.ones(n_latent)),
            covariates_mean={layer: mean for layer, (mean, _) in of_covariates.items()},
            covariates_scale={layer: _or_one(sd) for layer, (_, sd) in of_covariates.items()},
            omics_vary=np.append(omics_scale > 0, np.ones(n_latent, bool)),
            weight_mean=weight_mean,
        )


def _checked_mean_and_sd(argument, values):
    """Return mean and SD of the columns of an argument, whose squares double precision can hold."""
    mean, sd = mean_and_sd(values)
    _check_sd(argument, sd)
    return mean, sd


def _check_sd(argument, sd):
    """Raise unless double precision can hold the squares of SDs (m,)."""
    in_range = (sd == 0) | ((sd >= SMALLEST_SD) & (sd <= LARGEST_SD))
    if not in_range.all():
        column = np.flatnonzero(~in_range)[0]
        where = f" in column {column}" if len(sd) > 1 else ""
        raise ValueError(
            f"{argument} has a standard deviation of {sd[column]:.3g}{where}, whose square "
            f"overflows or underflows: give {argument} in another unit, in which standard "
            f"deviations lie between {SMALLEST_SD:g} and {LARGEST_SD:g}."
        )


def _or_one(scale):
    return np.where(scale > 0, scale, 1)
