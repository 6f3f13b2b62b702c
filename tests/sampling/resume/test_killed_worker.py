"""A worker process that is killed; last of its folder, for those after it start new ones."""

import os
import signal

import numpy as np
import pytest
from joblib.externals.loky.process_executor import TerminatedWorkerError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


class DiesOnceSaved:
    """An activation that kills its worker process as soon as a state is saved."""

    def __init__(self, directory):
        self._directory, self._parent = directory, os.getpid()

    def __call__(self, z):
        if os.getpid() != self._parent and list(self._directory.glob("chain-?.npz")):
            os.kill(os.getpid(), signal.SIGKILL)
        return np.tanh(z)


@pytest.mark.skipif(os.name == "nt", reason="needs signals")
@pytest.mark.parametrize("saved", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_a_killed_worker_leaves_a_note_of_what_is_saved(saved, data, short, tmp_path):
    (tmp_path / "chain-9.npz").write_text("of a fit with more chains")
    model = short(
        n_chains=2,
        n_jobs=2,
        activation=DiesOnceSaved(tmp_path),
        checkpoint=tmp_path if saved else None,
    )
    with pytest.raises(TerminatedWorkerError) as error:
        model.fit(data.X, data.y, omics=data.gappy)
    notes = " ".join(getattr(error.value, "__notes__", []))
    assert (f"states that chains have saved in {tmp_path} are intact" in notes) is saved
