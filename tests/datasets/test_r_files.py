"""Fetched data sets, read from small invented files in the format of the real ones.

The real files are not in the repository: R packages are under the GPL, the maize has no licence.
"""

import hashlib
import shutil
import sys

import numpy as np
import pandas as pd
import pytest
import rdata
from numpy.testing import assert_array_equal
from pandas.testing import assert_frame_equal, assert_series_equal
from rdata.conversion import to_r
from sklearn.datasets import fetch_file

from sknnmm.datasets import (
    _bglr,
    _maize,
    _mice,
    _r_files,
    _wheat,
    _wheat_htp,
    fetch_hs_mice,
    fetch_maize_hybrids,
    fetch_wheat,
    fetch_wheat_htp,
)
from tests.helpers.data import SHARED_DATA

MICE = ["m3", "m1", "m2"]
LINES = ["775", "2166", "42"]
HYBRIDS = ["DF_20_7", "DF_3_7", "DF_3_11"]
INBREDS = ["20", "3", "11", "7"]
NA = rdata.missing.R_FLOAT_NA


class NamedMatrix:
    """An R matrix with names of rows and columns; None for no names."""

    def __init__(self, values, rows, columns, dtype=np.float64):
        self.values, self.names = np.array(values, dtype), [rows, columns]

    def to_r(self, converter):
        names = [None if n is None else np.array(n, dtype=object) for n in self.names]
        attributes = {"dim": np.array(self.values.shape), "dimnames": names}
        is_real = self.values.dtype.kind == "f"
        return to_r.build_r_object(
            to_r.RObjectType.REAL if is_real else to_r.RObjectType.INT,
            value=self.values.ravel(order="F"),
            attributes=converter.convert_to_r_attributes(attributes),
        )


class TableOfClass:
    """A table of a class that R packages derive from data.frame."""

    def __init__(self, columns, classes):
        self.columns, self.classes = columns, [*classes, "data.frame"]

    def to_r(self, converter):
        values = list(self.columns.values())
        attributes = {
            "names": np.array(list(self.columns)),
            "class": np.array(self.classes),
            "row.names": np.arange(1, len(values[0]) + 1, dtype=np.int32),
        }
        return to_r.build_r_object(
            to_r.RObjectType.VEC,
            value=[converter.convert_to_r_object(column) for column in values],
            is_object=True,
            attributes=converter.convert_to_r_attributes(attributes),
        )


def write(path, content):
    constructors = {
        **to_r.DEFAULT_CLASS_MAP,
        NamedMatrix: NamedMatrix.to_r,
        TableOfClass: TableOfClass.to_r,
    }
    write_file = rdata.write_rds if path.suffix == ".RDS" else rdata.write_rda
    write_file(path, content, constructor_dict=constructors)


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
    sibs = [[1, 0.5, 0], [0.5, 1, 0], [0, 0, 1]]
    related = NamedMatrix(sibs, ["m2", "m3", "m1"], ["m2", "m3", "m1"])
    return {"mice.X": genotypes, "mice.pheno": pheno, "mice.map": snps, "mice.A": related}


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


def maize_contents():
    """More lines and records than the hybrids need, in other orders; line 99 is no parent.

    Transcripts of both parents are known for the first hybrid, of one for the second.
    """
    snps = [[1, 0], [0, 0], [1, 1], [0, 1], [1, 0]]
    snp_lines = ["7", "99", "20", "11", "3"]
    transcripts = [[-1.5, 0.25], [3.0, 3.0], [0.5, 1.0]]
    relationship = [[1.9, 0.6, 0, 0], [0.6, 2.0, 0, 0], [0, 0, 1.8, 0.4], [0, 0, 0.4, 1.7]]
    relationship_lines = ["3", "20", "11", "7"]

    tested = ["AMADEO", "DF_20_11", *HYBRIDS]
    dent, flint = ["0", "20", "20", "3", "3"], [0, 11, 7, 7, 11]
    traits = ["ADF", *_maize.TRAITS]
    values = [10.0 * t + i for t in range(len(traits)) for i in range(len(tested))]
    records = {
        "G": np.array(tested * len(traits)),
        "EST": np.array(values),
        "SE": np.array(values) / 8,
        "dent.GTP": np.array(dent * len(traits)),
        "flint.GTP": np.array(flint * len(traits), dtype=np.int32),
        "Trait": np.repeat(traits, len(tested)),
    }
    hybrids = {
        "Genotype": np.array(HYBRIDS * len(_maize.TRAITS)),
        "Trait": np.repeat(list(_maize.TRAITS), len(HYBRIDS)),
    }
    return {
        "snps": NamedMatrix(snps, snp_lines, ["PZE_1", "SYN2"], np.int32),
        "transcripts": NamedMatrix(transcripts, ["7", "99", "20"], ["MZ1", "MZ2"]),
        "relationship": NamedMatrix(relationship, relationship_lines, relationship_lines),
        "hybrids": TableOfClass(hybrids, ["tbl_df", "tbl"]),
        "records": TableOfClass(records, ["data.table"]),
    }


def wheat_htp_objects():
    """Lines are named in the yields only, by a factor that knows others too."""
    yields = r_frame(
        {
            "gid": pd.Categorical(LINES, categories=["1", *LINES]),
            "trial": [1.0, 35.0, 1.0],
            "CV": pd.array([4, 2, 4], dtype="Int32"),
            **{
                name: np.array([1.5, 2.5, 3.5]) * k
                for k, name in enumerate(_wheat_htp.ENVIRONMENTS, 1)
            },
        }
    )
    markers = [[1, 0.25], [-1, 1], [0, -0.5]]
    return {
        "Y": yields,
        "M": NamedMatrix(markers, None, None),
        "X_E1": NamedMatrix([[40.5, 1.0], [41.0, 2.0], [39.0, 3.0]], None, ["wl392", "wl851"]),
        "VI_E1": NamedMatrix([[0.5, 0.1], [0.4, 0.2], [0.3, 0.3]], None, ["GNDVI", "RNDVI"]),
    }


FETCHERS = {
    fetch_hs_mice: [_mice.FILE],
    fetch_wheat: [_wheat.FILE],
    fetch_maize_hybrids: list(_maize.FILES.values()),
    fetch_wheat_htp: [_wheat_htp.FILE],
}
each_fetcher = pytest.mark.parametrize("fetch", FETCHERS, ids=lambda fetch: fetch.__name__)
each_file = pytest.mark.parametrize(
    ("fetch", "file"),
    [
        pytest.param(fetch, file, id=file.name)
        for fetch, files in FETCHERS.items()
        for file in files
    ],
)


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """Return a folder to download invented files from; their checksums are the expected ones."""
    repository = tmp_path / "repository"
    repository.mkdir()
    contents = {
        _mice.FILE: mice_objects(),
        _wheat.FILE: wheat_objects(),
        _wheat_htp.FILE: wheat_htp_objects(),
        **{_maize.FILES[name]: content for name, content in maize_contents().items()},
    }
    checksums = {}
    for file, content in contents.items():
        path = repository / file.name
        write(path, content)
        checksums[file.name] = hashlib.sha256(path.read_bytes()).hexdigest()

    def fetch_from_folder(url, *, folder, local_filename, sha256):
        # fetch_file refuses a URL without a host.
        url = (repository / local_filename).as_uri().replace("file://", "file://localhost")
        checksum = checksums[local_filename]
        return fetch_file(url, folder=folder, local_filename=local_filename, sha256=checksum)

    monkeypatch.setattr(_r_files, "fetch_file", fetch_from_folder)
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # between attempts
    return repository


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


@pytest.mark.filterwarnings("error")  # rdata warns of classes that it does not know
def test_maize(repository, data_home):
    maize = fetch_maize_hybrids(data_home)
    assert list(maize.ids) == HYBRIDS
    assert list(maize.parent_ids) == INBREDS
    hybrids, inbreds = pd.Index(HYBRIDS, dtype=str), pd.Index(INBREDS, dtype=str)
    snps, transcripts = pd.Index(["PZE_1", "SYN2"]), pd.Index(["MZ1", "MZ2"])

    alleles = [[1, 1], [1, 0], [0, 1], [1, 0]]
    assert_frame_equal(maize.parent_genotypes, pd.DataFrame(alleles, inbreds, snps, dtype=np.int8))
    dosages = [[2, 1], [2, 0], [1, 1]]
    assert_frame_equal(maize.genotypes, pd.DataFrame(dosages, hybrids, snps, dtype=np.int8))

    measured = [[0.5, 1.0], [np.nan] * 2, [np.nan] * 2, [-1.5, 0.25]]
    assert_frame_equal(maize.parent_omics, pd.DataFrame(measured, inbreds, transcripts))
    means = [[-0.5, 0.625], [np.nan] * 2, [np.nan] * 2]
    assert_frame_equal(maize.omics, pd.DataFrame(means, hybrids, transcripts))

    assert list(maize.phenotypes) == list(maize.traits.index) == list(_maize.TRAITS)
    values = [[10 * t + i for t in range(1, 8)] for i in range(2, 5)]  # ADF is trait 0
    assert_frame_equal(
        maize.phenotypes, pd.DataFrame(values, hybrids, list(_maize.TRAITS), dtype=np.float64)
    )
    assert_frame_equal(maize.standard_errors, maize.phenotypes / 8)
    assert maize.traits.loc["GTM"].to_list() == ["dry matter yield", "100 kg/ha"]

    assert maize.parents.index.equals(maize.ids)
    assert maize.parents.to_dict("list") == {"dent": ["20", "3", "3"], "flint": ["7", "7", "11"]}
    assert maize.pools.to_dict() == {"20": "dent", "3": "dent", "11": "flint", "7": "flint"}
    relationship = [[2.0, 0.6, 0, 0], [0.6, 1.9, 0, 0], [0, 0, 1.8, 0.4], [0, 0, 0.4, 1.7]]
    assert_frame_equal(maize.parent_relationship, pd.DataFrame(relationship, inbreds, inbreds))


def test_wheat_htp(repository, data_home):
    wheat = fetch_wheat_htp(data_home)
    assert list(wheat.ids) == LINES
    lines = pd.Index(LINES, dtype=str)
    dosages = [[2, -1], [0, 2], [1, -1]]  # of markers -1, 0, 1; others are imputed
    assert_frame_equal(
        wheat.genotypes, pd.DataFrame(dosages, lines, ["snp_1", "snp_2"], dtype=np.int8)
    )
    assert list(wheat.yields) == ["E1", "E2", "E3", "E4"]
    assert_array_equal(wheat.yields, np.outer([1.5, 2.5, 3.5], [1, 2, 3, 4]))
    reflectances = [[40.5, 1.0], [41.0, 2.0], [39.0, 3.0]]
    assert_frame_equal(wheat.reflectances, pd.DataFrame(reflectances, lines, ["wl392", "wl851"]))
    assert wheat.wavelengths.to_dict() == {"wl392": 392, "wl851": 851}
    indices = {"GNDVI": [0.5, 0.4, 0.3], "RNDVI": [0.1, 0.2, 0.3]}
    assert_frame_equal(wheat.vegetation_indices, pd.DataFrame(indices, lines))
    assert wheat.trials.to_dict() == {"775": 1, "2166": 35, "42": 1}
    assert wheat.folds.to_dict() == {"775": 4, "2166": 2, "42": 4}
    for name in ["genotypes", "yields", "reflectances", "vegetation_indices", "trials", "folds"]:
        assert wheat[name].index.identical(wheat.ids), name


def objects_of(path):
    """Return the R objects of a file by name; the one object of an .RDS file by no name."""
    content = _r_files.read(path)
    return content if path.suffix == ".RData" else {None: content}


@pytest.mark.slow
@pytest.mark.skipif(not SHARED_DATA.is_dir(), reason="no local copy of the data")
@each_file
def test_invented_files_have_the_format_of_the_real_ones(fetch, file, repository):
    real_objects = objects_of(SHARED_DATA / file.folder / file.name)
    for name, ours in objects_of(repository / file.name).items():
        theirs = real_objects[name]
        assert type(ours) is type(theirs), name
        if isinstance(ours, pd.DataFrame):
            for column in set(ours) - set(_mice.OMICS):
                assert ours[column].dtype.name == theirs[column].dtype.name, column
        else:
            assert ours.dtype == theirs.dtype, name
            assert list(getattr(ours, "coords", [])) == list(getattr(theirs, "coords", [])), name


@each_file
def test_files_are_those_of_one_commit(fetch, file):
    repositories = {
        fetch_hs_mice: "gdlc/BGLR-R/raw/f66f9bc07a735803ddfb9625f6eea0fe46c3df57",
        fetch_wheat: "gdlc/BGLR-R/raw/f66f9bc07a735803ddfb9625f6eea0fe46c3df57",
        fetch_maize_hybrids: "mwesthues/single_step/raw/bd6d4fe89c71b2ae42a0d1446d44f79016b702f1",
        fetch_wheat_htp: "cran/SFSI/raw/d36d57c6dd2ad6f2fef220e82490e3b5fe21eba7",
    }
    assert file.url == f"https://github.com/{repositories[fetch]}/{file.path}"


@each_fetcher
def test_description_is_complete(fetch, repository, data_home):
    data = fetch(data_home)
    assert fetch.__doc__ == data.DESCR
    is_bglr = fetch in (fetch_hs_mice, fetch_wheat)
    shared = _r_files.SHARED_DOCS | (_bglr.BGLR_DOCS if is_bglr else {})
    for part in [*shared.values(), *(f"{key} : " for key in data)]:
        assert part in data.DESCR
    assert "{" not in data.DESCR


@each_file
def test_download_is_kept_and_reused(fetch, file, repository, data_home):
    folder = data_home / file.folder
    folder.mkdir(exist_ok=True)
    kept = folder / file.name
    kept.write_bytes(b"an interrupted download")
    with pytest.warns(UserWarning, match="differs from expected"):
        fetched = fetch(data_home)
    assert {path.name for path in folder.iterdir()} == {file.name for file in FETCHERS[fetch]}
    assert kept.read_bytes() == (repository / file.name).read_bytes()

    shutil.rmtree(repository)
    assert fetch(str(data_home)).genotypes.equals(fetched.genotypes)


@each_file
@pytest.mark.filterwarnings("ignore:Retry downloading")
def test_failed_download_is_explained(fetch, file, repository, data_home):
    (repository / file.name).unlink()
    with pytest.raises(OSError, match=f"Could not get {file.name} from https:.*by hand"):
        fetch(data_home)
    assert not (data_home / file.folder / file.name).exists()


@each_file
@pytest.mark.filterwarnings("ignore:Retry downloading")
def test_damaged_file_that_cannot_be_replaced(fetch, file, repository, data_home):
    damaged = data_home / file.folder / file.name
    damaged.parent.mkdir(exist_ok=True)
    damaged.write_bytes(b"garbage")
    (repository / file.name).unlink()
    with (
        pytest.warns(UserWarning, match="differs from expected"),
        pytest.raises(OSError, match=f"Could not get {file.name}.*{file.sha256}"),
    ):
        fetch(data_home)
    assert damaged.read_bytes() == b"garbage"


@each_file
def test_wrong_bytes_are_refused(fetch, file, repository, data_home):
    wrong = repository / file.name
    wrong.write_bytes(b"<html>not found</html>")
    with pytest.raises(OSError, match=f"Could not get {file.name}") as caught:
        fetch(data_home)
    assert hashlib.sha256(wrong.read_bytes()).hexdigest() in str(caught.value)
    assert file.sha256 in str(caught.value)
    kept = {path.name for path in (data_home / file.folder).iterdir()}
    assert kept <= {other.name for other in FETCHERS[fetch]} - {file.name}


@each_fetcher
def test_rdata_is_asked_for_before_any_download(fetch, data_home, monkeypatch):
    monkeypatch.setitem(sys.modules, "rdata", None)
    monkeypatch.setattr(_r_files, "fetch_file", lambda *args, **kwargs: pytest.fail("downloaded"))
    with pytest.raises(ImportError, match=rf"{FETCHERS[fetch][0].name}.*pip install rdata"):
        fetch(data_home)


@each_fetcher
def test_data_home_is_checked(fetch):
    with pytest.raises(ValueError, match=f"'data_home' parameter of {fetch.__name__}"):
        fetch(data_home=3)
