"""The network as the sampler sees it: layers, connections, variables."""
