"""What every room uses: compiled functions, warnings, messages, optional libraries."""
