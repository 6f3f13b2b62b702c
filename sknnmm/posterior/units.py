"""Draws on the sampling scale in original units."""

import numpy as np

from sknnmm.common.layer_names import OMICS, PHENOTYPE


class Units:
    """Location and unit of the responses of every layer, and the units of the covariates.

    Parameters
    ----------
    locations, units : dict
        Mean and unit of the responses of a layer, by its name; a unit of 0: without variance.
    covariates : dict
        Units of the columns of the design matrix of a layer, (q,), by its name.
    weight_mean : float
        Of the weights of the records, to which those of the sampler are relative.
    """

    def __init__(self, locations, units, covariates, weight_mean):
        self._locations, self._units = locations, units
        self._covariates = covariates
        self._weight_mean = weight_mean

    @classmethod
    def of(cls, scales):
        """Return the Units that belong to Scales of y and omics."""
        return cls(
            {OMICS: scales.omics_mean, PHENOTYPE: scales.y_mean},
            {OMICS: scales.omics_unit, PHENOTYPE: scales.y_scale},
            scales.covariates_scale,
            scales.weight_mean,
        )

    def of_response(self, variable):
        """Return the unit of the responses of the layer of a variable, at least (1,)."""
        return self.of_layer(variable.layer)

    def of_layer(self, layer):
        """Return the unit of the responses of a layer, by its name, at least (1,)."""
        return np.atleast_1d(self._units[layer])

    def restore(self, variable, values):
        """Return values on the sampling scale, (chain, draw, ...), in original units."""
        unit = self._units[variable.layer]
        factor = unit**variable.power
        if variable.needs_variance:
            factor = np.asarray(unit) != 0
        if variable.per_covariate:
            per = self._covariates[variable.layer]
            factor = factor / (per if np.ndim(unit) == 0 else per[:, None])
        if variable.is_record_variance and variable.layer == PHENOTYPE:
            factor = factor * self._weight_mean
        values = values * factor
        if variable.is_location:
            values = values + self._locations[variable.layer]
        return values
