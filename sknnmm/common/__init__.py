"""What every room uses: compiled functions, warnings, messages, seeds, constant columns."""
