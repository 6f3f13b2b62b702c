"""Genotypes that stay in their file: the same bits as in memory, and no copy of them."""

import pickle
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bed_reader import to_bed
from joblib import parallel_config
from numpy.testing import assert_array_equal
from sklearn.model_selection import cross_val_predict

from sknnmm.genotypes import Genotypes, memory_map
from sknnmm.genotypes.dosages import columns_of, stored_array
from sknnmm.genotypes.kernels import PRODUCT_SNPS
from sknnmm.genotypes.memory_map import StoredArray
from sknnmm.inputs.genotypes import check_genotypes, stored_dosages
from sknnmm.io import open_plink, read_plink
from sknnmm.priors import METHODS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N, P = (
    83,
    PRODUCT_SNPS + 60,
)  # the last byte of a SNP in a .bed file is not full, nor is the last tile


@pytest.fixture(scope="module")
def trio():
    """Return genotypes SNP by SNP (in memory), omics with gaps and a phenotype."""
    rng = np.random.default_rng(3)
    X = rng.binomial(2, rng.uniform(0.1, 0.9, P), (N, P)).astype(np.int8, order="F")
    X[rng.random(X.shape) < 0.03] = -1
    omics = X[:, :3] + X[:, 3:6] + rng.normal(size=(N, 3))
    y = omics.sum(axis=1) + X[:, 10] + rng.normal(size=N)
    omics[rng.random(omics.shape) < 0.3] = np.nan
    return X, omics, y


@pytest.fixture(scope="module")
def stored(trio, tmp_path_factory):
    """Return pairs of genotypes in memory and in a file, by name."""
    X = trio[0]
    folder = tmp_path_factory.mktemp("genotypes")
    to_bed(folder / "bed.bed", np.where(X < 0, -127, X).astype(np.int8))
    pairs = {"bed": (read_plink(folder / "bed").genotypes, open_plink(folder / "bed").genotypes)}
    for name, array in {"SNP-major": X, "individual-major": np.ascontiguousarray(X)}.items():
        np.save(folder / name, array)
        pairs[name] = (array, np.load(folder / f"{name}.npy", mmap_mode="r"))
    return pairs


MODELS = {
    "blocks of SNPs": {},
    "one column": {"without_omics": True, "method": "BayesA"},
    "connections": {"mask": [j % 3 for j in range(P)]},
    "spectral": {"method": "RR-BLUP", "direct_effects": "BayesB"},
    "curved": {"activation": "tanh", "n_latent": 1},
}

ORDINARY = {  # each storage, and of packed genotypes each kind of sweep
    ("bed", "blocks of SNPs"),
    ("bed", "one column"),
    ("bed", "connections"),
    ("SNP-major", "curved"),
}


def results(model, X, omics):
    """Return what a fit has drawn, and its predictions."""
    draws = model.posterior_.draws
    kept = {n: d.todense() if hasattr(d, "todense") else d for n, d in draws.items()}
    few = np.where(np.arange(len(omics))[:, None] < 5, omics, np.nan_to_num(omics))
    given = {"all": np.nan_to_num(omics), "few rows incomplete": few, "some": omics, "none": None}
    if not model.n_omics_:
        given = {"none": None}
    for name, known in given.items():
        kept[name], kept[f"{name}, SD"] = model.predict(X, known, return_std=True)
    return kept | {"breeding_value": model.breeding_value(X)}


@pytest.mark.parametrize(
    ("storage", "parameters"),
    [
        pytest.param(
            storage,
            parameters,
            id=f"{storage}-{name}",
            marks=[] if (storage, name) in ORDINARY else [pytest.mark.slow],
        )
        for storage in ("bed", "SNP-major", "individual-major")
        for name, parameters in MODELS.items()
    ],
)
def test_a_file_gives_the_bits_of_memory(storage, parameters, trio, stored, short):
    _, omics, y = trio
    parameters = {"n_iter": 30, "burn_in": 10, **parameters}
    given = None if parameters.pop("without_omics", False) else omics
    if isinstance(name := parameters.get("direct_effects"), str):
        parameters["direct_effects"] = METHODS[name]()
    in_memory, in_file = (
        results(short(**parameters).fit(X, y, given), X, omics) for X in stored[storage]
    )
    assert in_memory.keys() == in_file.keys()
    for key, value in in_memory.items():
        assert_array_equal(in_file[key], value, err_msg=key)


@pytest.mark.slow  # it starts processes
@pytest.mark.parametrize("storage", ["bed", "SNP-major", "individual-major"])
def test_worker_processes_open_the_file_themselves(storage, trio, stored, short):
    _, omics, y = trio
    chains = {"n_chains": 2, "n_iter": 30, "burn_in": 10}
    _, X = stored[storage]
    one, two = (short(n_jobs=jobs, **chains).fit(X, y, omics) for jobs in (1, 2))
    assert_array_equal(one.coef_, two.coef_)


@pytest.mark.parametrize(
    "parameters",
    [MODELS["one column"], pytest.param(MODELS["connections"], marks=pytest.mark.slow)],
)
def test_read_only_arrays_of_workers_round_like_others(parameters, trio, short):
    X, omics, y = trio
    chains = {"n_chains": 2, "n_iter": 30, "burn_in": 10, **parameters}
    given = None if chains.pop("without_omics", False) else omics
    one = short(**chains).fit(X, y, given)
    with parallel_config(backend="loky", n_jobs=2):  # memory maps, see conftest.py
        two = short(**chains).fit(X, y, given)
    assert_array_equal(one.coef_, two.coef_)


@pytest.mark.parametrize(
    "storage",
    [
        "SNP-major in memory",
        "bed",
        *(
            pytest.param(storage, marks=pytest.mark.slow)
            for storage in ("individual-major in memory", "SNP-major", "individual-major")
        ),
    ],
)
def test_large_genotypes_are_never_copied(storage, tmp_path, short, monkeypatch):
    monkeypatch.setattr("sknnmm.inputs.genotypes.LARGE", 0)
    n, p = 4000, 5000  # 20 MB, of which cross-products of neighbouring SNPs are 7 %
    rng = np.random.default_rng(0)
    X = rng.integers(0, 3, (n, p), dtype=np.int8)
    X[3, 5] = -1
    y, omics = rng.normal(size=n), rng.normal(size=(n, 2))
    omics[::3] = np.nan
    if storage == "bed":
        X[3, 5] = -127
        to_bed(tmp_path / "X.bed", X)
        X = open_plink(tmp_path / "X").genotypes
    else:
        X = np.asfortranarray(X) if storage.startswith("SNP-major") else X
        if "memory" not in storage:
            np.save(tmp_path / "X.npy", X)
            X = np.load(tmp_path / "X.npy", mmap_mode="r")

    def fit_and_predict(rows):
        model = short(n_iter=2, burn_in=1).fit(X[rows], y[rows], omics[rows])
        model.predict(X[rows])
        model.predict(X[rows], omics[rows])

    fit_and_predict(slice(40))  # compiles, which takes more memory than the genotypes
    tracemalloc.start()
    try:
        fit_and_predict(slice(None))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 0.4 * n * p


def test_large_floats_are_checked_in_parts():
    X = np.asfortranarray(np.random.default_rng(0).random((1000, 4000)))  # 32 MB
    X[3, 5] = np.nan
    tracemalloc.start()
    try:
        assert check_genotypes(X, "NNMMRegressor").values is X
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 0.7 * X.nbytes
    X[4, 5] = np.inf
    with pytest.raises(ValueError, match="X contains infinity"):
        check_genotypes(X, "NNMMRegressor")


# --- files that change --------------------------------------------------------------------------


def of_bed(folder, X):
    to_bed(folder / "X.bed", np.where(X < 0, -127, X).astype(np.int8))
    return open_plink(folder / "X").genotypes, folder / "X.bed"


def of_npy(order="F", mode="r"):
    def store(folder, X):
        np.save(folder / "X.npy", np.asarray(X, order=order))
        return np.load(folder / "X.npy", mmap_mode=mode), folder / "X.npy"

    return store


FILES = {"bed": of_bed, "npy": of_npy()}
every_file = pytest.mark.parametrize("store", FILES.values(), ids=FILES)
TWO_CHAINS = {"n_chains": 2, "n_iter": 20, "burn_in": 10}


def other_content(path):
    """Return as many bytes as the file has, other genotypes."""
    content = bytearray(path.read_bytes())
    content[-1000:] = bytes(1000)
    return content


def replace(path):
    other = path.with_name("other")
    other.write_bytes(other_content(path))
    other.replace(path)


def write_over(path):
    with path.open("r+b") as file:
        file.write(other_content(path))


def cut_short(path):
    with path.open("r+b") as file:
        file.truncate(150)


HARMS = {
    replace: "X.* was replaced or changed since it was opened",
    Path.unlink: "X.* was removed since it was opened",
}


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("harm", HARMS)
def test_what_workers_get_does_not_read_another_file(kind, harm, trio, tmp_path):
    mapped, path = FILES[kind](tmp_path, trio[0])
    harm(path)
    genotypes = Genotypes(stored_dosages(check_genotypes(mapped, "NNMMRegressor"), np.float32))
    sent = pickle.loads(pickle.dumps(genotypes))
    with pytest.raises(OSError, match=HARMS[harm]):
        _ = stored_array(sent.dosages)
    # This process still has the old one.
    assert_array_equal(columns_of(genotypes.dosages, np.arange(P)), trio[0])


@pytest.mark.slow  # it starts processes
@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize("without_omics", [True, False])
def test_workers_do_not_read_another_file(kind, harm, without_omics, trio, short, tmp_path):
    X, omics, y = trio
    given = None if without_omics else omics
    expected = short(**TWO_CHAINS).fit(X, y, given).coef_
    mapped, path = FILES[kind](tmp_path, X)
    harm(path)
    with parallel_config("loky"), pytest.raises(OSError, match=HARMS[harm]):
        short(n_jobs=2, **TWO_CHAINS).fit(mapped, y, given)
    # This process still has the old one.
    assert_array_equal(short(**TWO_CHAINS).fit(mapped, y, given).coef_, expected)


@pytest.mark.slow
def test_workers_do_not_read_another_file_than_a_writable_map(trio, short, tmp_path):
    X, _, y = trio
    mapped, path = of_npy(mode="r+")(tmp_path, X)
    replace(path)
    message = "X.npy was replaced or changed since it was opened"
    with parallel_config("loky"), pytest.raises(OSError, match=message):
        short(n_jobs=2, **TWO_CHAINS).fit(mapped, y)


@every_file
def test_a_file_cut_short_is_named_before_it_is_read(store, trio, short, tmp_path):
    X, omics, y = trio
    mapped, path = store(tmp_path, X)
    model = short(n_iter=20, burn_in=10).fit(mapped, y)
    cut_short(path)
    for read in (lambda: model.predict(mapped), lambda: short().fit(mapped, y, omics)):
        with pytest.raises(OSError, match=r"X.* was cut short since it was opened: .* 150 bytes"):
            read()


def test_a_bed_file_written_over_is_noticed(trio, short, tmp_path):
    X, _, y = trio
    packed, path = of_bed(tmp_path, X)
    model = short(n_iter=20, burn_in=10).fit(packed, y)
    write_over(path)
    for read in (
        lambda: model.predict(packed),
        lambda: short().fit(packed, y),
        lambda: packed[[1, 2]],
        lambda: packed.snps([1]),
    ):
        with pytest.raises(OSError, match="X.bed was changed since it was opened"):
            read()


@pytest.mark.parametrize(
    "other", [lambda X: X.astype(float), np.ascontiguousarray, lambda X: np.vstack([X, X])]
)
def test_a_npy_file_written_over_by_another_array_is_noticed(other, trio, short, tmp_path):
    X, _, y = trio
    mapped, path = of_npy()(tmp_path, X)
    np.save(path, other(X))
    with pytest.raises(OSError, match="X.npy was changed since it was opened"):
        short().fit(mapped, y)


@pytest.mark.parametrize(
    "first", [*(pytest.param(first, marks=pytest.mark.slow) for first in (0, 1)), 100]
)
def test_a_map_of_a_part_of_a_file_is_read(first, trio, short, tmp_path):
    X, _, y = trio
    _, path = of_npy()(tmp_path, X)
    part = np.memmap(path, np.int8, "r", 128 + first * N, (N, 60), order="F")
    one, two = (short(n_jobs=jobs, **TWO_CHAINS).fit(part, y) for jobs in (1, 2))
    assert_array_equal(one.coef_, two.coef_)
    assert_array_equal(one.coef_, short(**TWO_CHAINS).fit(X[:, first : first + 60], y).coef_)


def test_changes_that_are_in_no_file_reach_the_workers(trio, short, tmp_path):
    X, _, y = trio
    mapped, _ = of_npy(mode="c")(tmp_path, np.zeros_like(X))
    mapped[:] = X
    two = short(n_jobs=2, **TWO_CHAINS).fit(mapped, y)
    assert_array_equal(two.coef_, short(**TWO_CHAINS).fit(X, y).coef_)


def test_another_machine_compares_the_content(trio, tmp_path, monkeypatch):
    array = StoredArray(of_npy()(tmp_path, trio[0])[0])
    sent = pickle.dumps(array)
    monkeypatch.setattr(memory_map.platform, "node", lambda: "another")
    path = tmp_path / "X.npy"
    path.write_bytes(path.read_bytes())  # changed at another time
    assert_array_equal(pickle.loads(sent).values, trio[0])
    write_over(path)
    with pytest.raises(OSError, match="was replaced or changed"):
        _ = pickle.loads(sent).values


# --- genotypes of a .bed file -------------------------------------------------------------------


def test_packed_genotypes_tell_what_they_are(trio, stored):
    table, packed = stored["bed"]
    assert packed.shape == table.shape and len(packed) == N and packed.dtype == np.int8
    assert packed.index.equals(table.index) and packed.columns.equals(table.columns)
    assert repr(packed) == f"PackedGenotypes({N} individuals, {P} SNPs)"
    assert_array_equal(packed.snps([7, 2, P - 1]), trio[0][:, [7, 2, P - 1]])


@pytest.mark.parametrize(
    "rows", [slice(3, 60, 2), [5, 1, 1], np.arange(N) % 2 == 0, slice(0), ([4, 2], ...)]
)
def test_some_individuals_are_packed_in_memory(rows, trio, stored):
    part = stored["bed"][1][rows]
    assert_array_equal(part.snps(np.arange(P)), trio[0][rows])
    assert part.index.equals(stored["bed"][0].index[rows[0] if isinstance(rows, tuple) else rows])


def test_one_individual_is_asked_for_in_a_list(stored):
    with pytest.raises(IndexError, match="several individuals"):
        stored["bed"][1][3]


def test_packed_genotypes_serve_cross_validation(trio, stored, short):
    _, _, y = trio
    table, packed = stored["bed"]
    model = short(n_iter=30, burn_in=10)
    table = pd.DataFrame(np.asfortranarray(table), table.index, table.columns)
    one, other = (cross_val_predict(model, X, y, cv=3) for X in (table, packed))
    np.testing.assert_allclose(one, other, rtol=1e-4)


def test_names_and_ids_of_packed_genotypes_are_checked(trio, stored, short):
    _, _, y = trio
    table, packed = stored["bed"]
    model = short(n_iter=30, burn_in=10).fit(packed, y)
    assert_array_equal(model.feature_names_in_, table.columns)
    assert_array_equal(model.predict(table), model.predict(packed))
    with pytest.raises(ValueError, match="feature names"):
        model.predict(table.rename(columns={table.columns[0]: "other"}))
    with pytest.raises(ValueError, match="different indexes"):
        model.fit(packed, pd.Series(y, index=table.index[::-1]))
    with pytest.raises(TypeError, match="pass the others beside X"):
        short(omics_features=[0]).fit(packed, y)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x6c\x1b\x00abc", "individual-major"),
        (b"\x00\x1b\x01abc", "not a PLINK 1"),
        (b"\x6c\x1b\x01abc", "has 6 bytes, not "),
    ],
)
def test_open_plink_refuses_other_files(content, message, tmp_path):
    (tmp_path / "x.fam").write_text("f i 0 0 0 -9\n")
    (tmp_path / "x.bim").write_text("1 rs1 0 1 A G\n1 rs2 0 2 A G\n")
    (tmp_path / "x.bed").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        open_plink(tmp_path / "x")
