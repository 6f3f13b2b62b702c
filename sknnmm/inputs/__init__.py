"""What users pass to `fit` and `predict`, checked and frozen: FitInputs, PredictInputs."""
