"""Step size of Hamiltonian Monte Carlo, tuned by dual averaging."""

from dataclasses import dataclass

import numpy as np

TARGET_ACCEPTANCE = 0.8
START = 0.5


@dataclass
class StepSize:
    """Dual averaging towards the target acceptance (Hoffman & Gelman 2014, arXiv 1111.4246)."""

    value: float = START
    log_average: float = np.log(START)
    shortfall: float = 0.0
    n_updates: int = 0
    acceptance: float = 0.0  # sum over the iterations after tuning
    n_frozen: int = 0
    divergences: int = 0

    def tune(self, acceptance):
        """Take in the mean acceptance probability of one iteration."""
        self.n_updates += 1
        weight = 1 / (self.n_updates + 10)
        self.shortfall += weight * (TARGET_ACCEPTANCE - acceptance - self.shortfall)
        log_step = np.log(10 * START) - np.sqrt(self.n_updates) / 0.05 * self.shortfall
        self.value = float(np.exp(log_step))
        decay = self.n_updates**-0.75
        self.log_average += decay * (log_step - self.log_average)

    def count(self, acceptance, divergences):
        """Take note of an iteration after tuning."""
        self.acceptance += acceptance
        self.n_frozen += 1
        self.divergences += divergences

    def summary(self):
        """Return acceptance rate and divergences after tuning, and the step size."""
        return {
            "acceptance_rate": self.acceptance / max(self.n_frozen, 1),
            "step_size": self.value,
            "divergences": self.divergences,
        }

    def freeze(self):
        """Settle on the average step size."""
        self.value = float(np.exp(self.log_average))
