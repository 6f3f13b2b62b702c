"""Fetched data sets, read from small invented files in the format of BGLR's.

The real files are not in the repository: BGLR is under the GPL.
"""

import hashlib
import sys

import numpy as np
import pandas as pd
import pytest
import rdata
from numpy.testing import assert_array_equal
from pandas.testing import assert_frame_equal, assert_series_equal
from rdata.conversion import to_r

from sknnmm.datasets import _bglr, _mice, _wheat, fetch_hs_mice, fetch_wheat
from tests.helpers.data import SHARED_DATA

MICE = ["m3", "m1", "m2"]
LINES = ["775", "2166", "42"]
NA = rdata.missing.R_FLOAT_NA


class NamedMatrix:
    """An R matrix with names of rows and columns; None for no names."""

    def __init__(self, values, rows, columns):
        self.values, self.names = np.array(values), [rows, columns]

    def to_r(self, converter):
        names = [None if n is None else np.array(n, dtype=object) for n in self.names]
        attributes = {"dim": np.array(self.values.shape), "dimnames": names}
        return to_r.build_r_object(
            to_r.RObjectType.REAL,
            value=self.values.ravel(order="F").astype(float),
            attributes=converter.convert_to_r_attributes(attributes),
        )


def write(path, objects):
    constructors = {**to_r.DEFAULT_CLASS_MAP, NamedMatrix: NamedMatrix.to_r}
    rdata.write_rda(path, objects, constructor_dict=constructors)


def r_frame(columns):
    """Return a table with the row names 1, 2, ... of R."""
    frame = pd.DataFrame(columns)
    return frame.set_axis(pd.RangeIndex(1, len(frame) + 1))


def r_text(values):
    """Return a column of text, not a factor."""
    return pd.Series(values, dtype=object)


def mice_objects():
    """Records and map in another order than the genotypes."""
    integers = pd.array([5, None, 7], dtype="Int32")
    omics = dict.fromkeys(_mice.OMICS, integers) | {"Biochem.HDL": [1.5, NA, 0.25]}
    pheno = r_frame(
        {
            "SUBJECT.NAME": pd.Categorical(["m1", "m2", "m3"]),
            "Obesity.BMI": [-0.5, NA, 0.75],
            "GENDER": pd.Categorical(["F", "M", "M"]),
            "CoatColour": pd.Categorical(["black", "black", "agouti"]),
            "Litter": pd.array([2, 8, 1], dtype="Int32"),
            "cage": pd.Categorical(["19F", "13C", "19F"]),
            "Biochem.Age": pd.array([66, 70, None], dtype="Int32"),
            **omics,
        }
    )
    snps = r_frame(
        {
            "chr": r_text(["1", "X"]),
            "snp_id": r_text(["rs1_G", "rs2_A"]),
            "mbp": [0.5, 12.0],
            "alleles": r_text(["A;G", "A;C"]),
        }
    )
    genotypes = NamedMatrix([[2, 0], [1, 1], [0, 2]], MICE, ["rs2_A", "rs1_G"])
    return {"mice.X": genotypes, "mice.pheno": pheno, "mice.map": snps}


def wheat_objects():
    """Relationships in another order than the yields; markers and folds without names."""
    yields = np.arange(12.0).reshape(3, 4) - 5.5
    relationship = [[1.8, 0.1, 0.2], [0.1, 1.9, 0.3], [0.2, 0.3, 2.0]]
    lines = ["42", "775", "2166"]
    return {
        "wheat.A": NamedMatrix(relationship, lines, lines),
        "wheat.sets": np.array([3, 1, 10], dtype=np.int32),
        "wheat.X": NamedMatrix([[1, 0], [0, 0], [1, 1]], None, ["wPt.0538", "c.1"]),
        "wheat.Y": NamedMatrix(yields, LINES, ["1", "2", "4", "5"]),
    }


both_fetchers = pytest.mark.parametrize(
    ("fetch", "module"),
    [(fetch_hs_mice, _mice), (fetch_wheat, _wheat)],
    ids=["mice", "wheat"],
)


@pytest.fixture
def serve(monkeypatch):
    """Return a function that makes the given folder the one to download from."""
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # between attempts

    def serve_folder(path):
        # fetch_file refuses a URL without a host.
        url = path.as_uri().replace("file://", "file://localhost")
        monkeypatch.setattr(_bglr, "FOLDER_URL", url)

    return serve_folder


@pytest.fixture
def repository(tmp_path, serve, monkeypatch):
    """Return a folder to download invented files from; their checksums are the expected ones."""
    folder = tmp_path / "repository"
    folder.mkdir()
    for module, objects in ((_mice, mice_objects()), (_wheat, wheat_objects())):
        path = folder / module.FILENAME
        write(path, objects)
        monkeypatch.setattr(module, "SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
    serve(folder)
    return folder


@pytest.fixture
def data_home(tmp_path):
    folder = tmp_path / "data_home"
    folder.mkdir()
    return folder


def text_column(values, name):
    return pd.Series(values, MICE, dtype=str, name=name)


def test_mice(repository, data_home):
    mice = fetch_hs_mice(data_home)
    assert list(mice.ids) == MICE
    genotypes = pd.DataFrame(
        [[2, 0], [1, 1], [0, 2]], pd.Index(MICE, dtype=str), ["rs2_A", "rs1_G"], dtype=np.int8
    )
    assert_frame_equal(mice.genotypes, genotypes)
    assert list(mice.omics) == _mice.OMICS
    assert_array_equal(mice.omics["Biochem.HDL"], [0.25, 1.5, np.nan])
    for name in set(_mice.OMICS) - {"Biochem.HDL"}:
        assert_array_equal(mice.omics[name], [7, 5, np.nan])
    assert (mice.omics.dtypes == np.float64).all()
    assert list(mice.covariates) == ["CoatColour", "Biochem.Age"]
    assert_array_equal(mice.covariates["Biochem.Age"], [np.nan, 66, 70])
    assert list(mice.covariates["CoatColour"]) == ["agouti", "black", "black"]
    assert_array_equal(mice.BMI, [0.75, -0.5, np.nan])
    assert_series_equal(mice.sex, text_column(["M", "F", "M"], "sex"))
    assert_series_equal(mice.cage, text_column(["19F", "19F", "13C"], "cage"))
    assert mice.litter.to_dict() == {"m3": 1, "m1": 2, "m2": 8}
    assert mice.map["snp_id"].tolist() == ["rs2_A", "rs1_G"]
    assert mice.map[["chr", "mbp", "alleles"]].to_numpy().tolist() == [
        ["X", 12.0, "A;C"],
        ["1", 0.5, "A;G"],
    ]
    for name in ["genotypes", "omics", "covariates", "BMI", "sex", "litter", "cage"]:
        assert mice[name].index.equals(mice.ids), name


def test_mice_have_no_missing_values_of_r(repository, data_home):
    raw = rdata.read_rda(repository / "mice.RData")["mice.pheno"]["Biochem.HDL"].to_numpy()
    assert raw.view(np.uint64)[1] == np.float64(NA).view(np.uint64)  # the file has R's
    mice = fetch_hs_mice(data_home)
    for table in (mice.omics, mice.covariates.select_dtypes("number"), mice.BMI.to_frame()):
        missing = table.isna().to_numpy()
        assert missing.any()
        bits = table.to_numpy(np.float64).view(np.uint64)[missing]
        assert (bits == np.float64(np.nan).view(np.uint64)).all()


def test_wheat(repository, data_home):
    wheat = fetch_wheat(data_home)
    assert list(wheat.ids) == LINES
    lines = pd.Index(LINES, dtype=str)
    markers = pd.DataFrame([[1, 0], [0, 0], [1, 1]], lines, ["wPt.0538", "c.1"], dtype=np.int8)
    assert_frame_equal(wheat.genotypes, markers)
    assert list(wheat.yields) == [f"environment_{k}" for k in range(1, 5)]
    assert_array_equal(wheat.yields, np.arange(12).reshape(3, 4) - 5.5)
    relationship = [[1.9, 0.3, 0.1], [0.3, 2.0, 0.2], [0.1, 0.2, 1.8]]
    assert_frame_equal(wheat.relationship, pd.DataFrame(relationship, lines, lines))
    assert wheat.sets.to_dict() == {"775": 3, "2166": 1, "42": 10}
    for name in ["genotypes", "yields", "relationship", "sets"]:
        assert wheat[name].index.equals(wheat.ids), name


@pytest.mark.skipif(not SHARED_DATA.is_dir(), reason="no local copy of BGLR's data")
@both_fetchers
def test_invented_files_have_the_format_of_the_real_ones(fetch, module, repository):
    invented, real = (
        rdata.read_rda(folder / module.FILENAME, default_encoding="utf-8")
        for folder in (repository, SHARED_DATA)
    )
    for name, ours in invented.items():
        theirs = real[name]
        assert type(ours) is type(theirs), name
        if isinstance(ours, pd.DataFrame):
            for column in set(ours) - set(_mice.OMICS):
                assert ours[column].dtype.name == theirs[column].dtype.name, column
        else:
            assert ours.dtype == theirs.dtype, name
            assert list(getattr(ours, "coords", [])) == list(getattr(theirs, "coords", [])), name


@both_fetchers
def test_description_is_complete(fetch, module, repository, data_home):
    data = fetch(data_home)
    assert fetch.__doc__ == data.DESCR
    for part in [*_bglr.SHARED_DOCS.values(), *(f"{key} : " for key in data)]:
        assert part in data.DESCR
    assert "{" not in data.DESCR


@both_fetchers
def test_download_is_kept_and_reused(fetch, module, repository, data_home):
    kept, source = data_home / module.FILENAME, repository / module.FILENAME
    kept.write_bytes(b"an interrupted download")
    with pytest.warns(UserWarning, match="differs from expected"):
        fetched = fetch(data_home)
    assert list(data_home.iterdir()) == [kept]
    assert kept.read_bytes() == source.read_bytes()

    source.unlink()
    assert fetch(str(data_home)).genotypes.equals(fetched.genotypes)


@both_fetchers
@pytest.mark.filterwarnings("ignore:Retry downloading")
def test_failed_download_is_explained(fetch, module, serve, data_home, tmp_path):
    serve(tmp_path / "absent")
    with pytest.raises(OSError, match=f"Could not get {module.FILENAME} from file:.*by hand"):
        fetch(data_home)
    assert list(data_home.iterdir()) == []


@both_fetchers
@pytest.mark.filterwarnings("ignore:Retry downloading")
def test_damaged_file_that_cannot_be_replaced(fetch, module, serve, data_home, tmp_path):
    damaged = data_home / module.FILENAME
    damaged.write_bytes(b"garbage")
    serve(tmp_path / "absent")
    with (
        pytest.warns(UserWarning, match="differs from expected"),
        pytest.raises(OSError, match=f"Could not get {module.FILENAME}.*{module.SHA256}"),
    ):
        fetch(data_home)
    assert list(data_home.iterdir()) == [damaged]


@both_fetchers
def test_wrong_bytes_are_refused(fetch, module, serve, data_home, tmp_path):
    wrong = tmp_path / module.FILENAME
    wrong.write_bytes(b"<html>not found</html>")
    serve(tmp_path)
    with pytest.raises(OSError, match=f"Could not get {module.FILENAME}") as caught:
        fetch(data_home)
    assert hashlib.sha256(wrong.read_bytes()).hexdigest() in str(caught.value)
    assert module.SHA256 in str(caught.value)
    assert list(data_home.iterdir()) == []


@both_fetchers
def test_rdata_is_asked_for_before_any_download(fetch, module, data_home, monkeypatch):
    monkeypatch.setitem(sys.modules, "rdata", None)
    monkeypatch.setattr(_bglr, "fetch_file", lambda *args, **kwargs: pytest.fail("downloaded"))
    with pytest.raises(ImportError, match=rf"{module.FILENAME}.*pip install rdata"):
        fetch(data_home)


@pytest.mark.parametrize("fetch", [fetch_hs_mice, fetch_wheat])
def test_data_home_is_checked(fetch):
    with pytest.raises(ValueError, match=f"'data_home' parameter of {fetch.__name__}"):
        fetch(data_home=3)
