"""Draws of all chains on the original scale, their summaries and diagnostics."""
