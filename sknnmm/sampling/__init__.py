"""The Markov chain Monte Carlo sampler; it knows nothing of scikit-learn estimators."""
