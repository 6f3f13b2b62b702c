"""Predictions for new rows from the posterior: means, spread, missing genotypes."""
