"""The estimators: inputs, network, chains, attributes."""
