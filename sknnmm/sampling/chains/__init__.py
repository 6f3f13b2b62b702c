"""Chains from start to result: one chain, what it keeps, many side by side."""
