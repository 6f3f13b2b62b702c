"""The state of a chain as plain data, its files, and the fit it belongs to."""
