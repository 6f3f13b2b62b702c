"""What users pass, checked and turned into one FitInputs."""
