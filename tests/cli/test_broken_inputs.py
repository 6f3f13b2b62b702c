"""What is wrong with files and options is one line that names it; nothing is left behind."""

import shutil

import pytest

from sknnmm.cli import main

FIT = "fit --config demo/run.toml --n-iter 20 --burn-in 5 --out out"


def edited(name, old, new):
    """Return what replaces text in a file of the demo, everywhere."""

    def edit(demo):
        path = demo / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    return edit


def line(name, number, text):
    """Return what replaces a line (counted from 1) of a file of the demo; None: without it."""

    def edit(demo):
        lines = (demo / name).read_text().splitlines()
        lines[number - 1 : number] = [] if text is None else [text]
        (demo / name).write_text("\n".join(lines) + "\n")

    return edit


def written(name, content):
    """Return what writes a file into the demo."""

    def edit(demo):
        (demo / name).write_bytes(content)

    return edit


def limited(cells, limits):
    """Return what writes a line of omics, and detection limits."""

    def edit(demo):
        line("omics.csv", 3, cells)(demo)
        (demo / "limits.csv").write_text(f"omic,limit\n{limits}\n")

    return edit


def removed(name):
    return lambda demo: (demo / name).unlink()


def truncated(name, size):
    return lambda demo: (demo / name).write_bytes((demo / name).read_bytes()[:size])


def nothing(demo):
    """Leave the files as they are."""


RARE = "--genotypes demo/herd.bed --phenotypes rare.csv --trait sick"
HEALTHY = "".join(f"cow{i:05d},0\n" for i in range(3, 9))
PHENOTYPES, OMICS = "demo/phenotypes.csv", "demo/omics.csv"
CASES = {  # what happens to the files; options; what the line has
    "no genotypes": (removed("herd.bed"), "", ["demo/herd.bed", "Check"]),
    "no .bim": (removed("herd.bim"), "", ["herd.bim", "Check"]),
    "no .fam": (removed("herd.fam"), "", ["herd.fam", "Check"]),
    "truncated .bed": (truncated("herd.bed", 100), "", ["herd.bed"]),
    "empty .bed": (truncated("herd.bed", 0), "", ["herd.bed", "complete"]),
    "short line of .bim": (line("herd.bim", 4, "1 rs3"), "", ["herd.bim"]),
    "short line of .fam": (line("herd.fam", 4, "1"), "", ["herd.fam"]),
    "IDs of genotypes in Latin-1": (
        written("herd.fam", b"0 K\xfch 0 0 0 0\n"), "",
        ["herd.fam, line 1, is not text in the encoding utf-8", "--encoding latin-1", "iconv"]),
    "IDs of genotypes in no encoding": (
        written("herd.fam", b"0 K\xfch 0 0 0 0\n"), "--encoding ascii",
        ["herd.fam, line 1, is not text in the encoding utf-8 or ascii", "iconv -f latin1"]),
    "individual twice": (
        edited("herd.fam", "cow00003", "cow00004"), "", ["herd.bed", "cow00004", "Keep one"]),
    "no VCF": (
        written("x.vcf", b"##fileformat=VCFv4.3\nnonsense\n"), "--genotypes demo/x.vcf",
        ["x.vcf"]),
    "truncated gzip": (
        written("x.vcf.gz", b"\x1f\x8b\x08\x00\x00\x00"), "--genotypes demo/x.vcf.gz",
        ["x.vcf.gz"]),
    "text as genotypes": (
        nothing, "--genotypes demo/phenotypes.csv", [PHENOTYPES, "format"]),
    "window": (nothing, "--window wide", ["--window wide", "1Mb"]),
    "window of nothing": (nothing, "--window 0Mb", ["--window 0Mb", "1Mb"]),
    "impossible filter": (nothing, "--min-maf 2", ["--min-maf", "0 to 0.5"]),
    "no phenotypes": (removed("phenotypes.csv"), "", [PHENOTYPES, "Check"]),
    "empty table": (written("phenotypes.csv", b""), "", [PHENOTYPES, "Give"]),
    "header alone": (written("phenotypes.csv", b"id,milk\n"), "", [PHENOTYPES, "rows"]),
    "cut off": (
        truncated("omics.csv", -25), "", [f"{OMICS}, line 81", "ends in the middle", "again"]),
    "text for a number": (
        line("phenotypes.csv", 4, "cow00077,high"), "", [f"{PHENOTYPES}, line 4", "high", "empty"]),
    "text after an empty line": (
        line("phenotypes.csv", 4, "\ncow00077,high"), "", [f"{PHENOTYPES}, line 5", "high"]),
    "text as a trait": (
        written("phenotypes.csv", b"id,milk\ncow00001,low\ncow00002,high\n"), "",
        [PHENOTYPES, "low, high", "--family binary"]),
    "infinite": (line("phenotypes.csv", 4, "cow00077,inf"), "", [f"{PHENOTYPES}, line 4", "inf"]),
    "decimal comma": (
        line("phenotypes.csv", 3, "cow00078,1,5"), "", [f"{PHENOTYPES}, line 3", "decimal"]),
    "decimal commas": (
        written("phenotypes.csv", b"id;milk\ncow00001;1,5\ncow00002;2\n"), "--sep ;",
        [f"{PHENOTYPES}, line 2", "1,5", "--decimal"]),
    "decimal commas alone": (
        written("phenotypes.csv", b"id;milk\ncow00001;1,5\ncow00002;2,5\n"), "--sep ;",
        [PHENOTYPES, "holds text: 1,5, 2,5", "--decimal"]),
    "thousands beside decimal commas": (
        written("phenotypes.csv", b"id;milk\ncow00001;1.234\ncow00002;2,5\n"),
        "--sep ; --decimal ,", [f"{PHENOTYPES}, line 2", "1.234"]),
    "ID twice": (
        line("phenotypes.csv", 2, "cow00077,1"), "", ["phenotypes.csv", "cow00077", "Keep"]),
    "no ID": (line("phenotypes.csv", 2, ",1"), "", ["phenotypes.csv", "ID"]),
    "no common ID": (edited("phenotypes.csv", "cow", "bull"), "", [PHENOTYPES, "bull"]),
    "no such trait": (nothing, "--trait fat", [f"{PHENOTYPES}, line 1", "fat", "milk"]),
    "constant trait": (
        written("phenotypes.csv", b"id,milk\ncow00001,1\ncow00002,1\ncow00003,1\n"), "",
        [PHENOTYPES]),
    "another separator": (
        edited("phenotypes.csv", ",", ";"), "", [PHENOTYPES, "only id;milk", "--sep"]),
    "no such weight": (nothing, "--weight w", [f"{PHENOTYPES}, line 1", "w"]),
    "no such ID column": (nothing, "--id animal", ["phenotypes.csv", "animal"]),
    "not UTF-8": (written("phenotypes.csv", b"id,milk\nK\xfch,1\n"), "", [PHENOTYPES, "encoding"]),
    "unknown suffix": (
        written("p.txt", b"id milk\na 1\n"), "--phenotypes demo/p.txt", ["p.txt", "--sep"]),
    "two columns alike": (
        line("omics.csv", 1, "id,a,a"), "", [OMICS, "Rename"]),
    "no omic": (written("omics.csv", b"id\ncow00001\n"), "", [f"{OMICS}, line 1", "--sep"]),
    "omic with the name of a result": (
        line("omics.csv", 1, "id,omic0,total"), "", [f"{OMICS}, line 1", "total", "Rename"]),
    "omic with the name of the trait": (
        line("omics.csv", 1, "id,omic0,milk"), "", [f"{OMICS}, line 1", "milk", "holds the trait"]),
    "text for an omic": (
        line("omics.csv", 3, "cow00078,low,1"), "", [f"{OMICS}, line 3", "low", "empty"]),
    "no such covariate": (
        nothing, "--random litter", ["demo/covariates.csv, line 1", "litter", "sex"]),
    "slash in a random effect": (
        nothing, "--random sire/dam", ["--random sire/dam", "Rename"]),
    "no such column in a formula": (nothing, "--fixed age", ["covariates.csv", "age"]),
    "covariate missing": (
        line("covariates.csv", 5, "cow00076,,f1"), "", ["demo/covariates.csv, line 5", "Fill"]),
    "pedigree of two columns": (
        written("ped.csv", b"id,sire\na,b\n"), "--pedigree demo/ped.csv",
        ["ped.csv, line 1", "dam"]),
    "pedigree of others": (
        written("ped.csv", b"id,sire,dam\na,b,c\n"), "--pedigree demo/ped.csv", ["ped.csv", "Add"]),
    "pedigree without column names": (
        written("ped.csv", b"cow00000,a,b\ncow00001,a,b\n"), "--pedigree demo/ped.csv",
        ["ped.csv, line 1", "cow00000", "id,sire,dam"]),
    "own father": (
        written("ped.csv", b"id,sire,dam\na,a,0\n"), "--pedigree demo/ped.csv", ["ped.csv"]),
    "mask of an unknown omic": (
        written("m.csv", b"snp,omic\nrs1,omic0\nrs2,omic9\n"), "--mask demo/m.csv",
        ["demo/m.csv, line 3", "omic9"]),
    "mask of unknown SNPs": (
        written("m.csv", b"snp,omic\nx,omic0\n"), "--mask demo/m.csv",
        ["demo/m.csv, line 2", "SNP"]),
    "mask without omics": (
        written("run.toml", b'genotypes = "demo/herd.bed"\nphenotypes = "demo/phenotypes.csv"\n'
                b'trait = "milk"\nmask = "demo/omics.csv"\n'), "", ["--mask", "pass --omics"]),
    "empty mask": (written("m.csv", b""), "--mask demo/m.csv", ["m.csv is empty", "Give"]),
    "window without features": (nothing, "--cis-window 1e6", ["--cis-window", "pass --mask"]),
    "unknown family": (nothing, "--family poisson", ["--family", "ordinal", "--help"]),
    "measurements as classes": (
        nothing, "--family binary", [f"{PHENOTYPES}, line 2", "no class", "milk"]),
    "infinite class": (
        written("phenotypes.csv", b"id,milk\ncow00001,1\ncow00002,inf\n"), "--family binary",
        [f"{PHENOTYPES}, line 3", "inf", "no class"]),
    "class twice": (
        written("phenotypes.csv", b"id,milk\ncow00001,low\ncow00002,high\n"),
        "--family ordinal --classes low,high,low", ["--classes low,high,low", "twice"]),
    "three classes as two": (
        written("phenotypes.csv", b"id,milk\ncow00001,0\ncow00002,1\ncow00003,2\n"),
        "--family binary", [PHENOTYPES, "3 classes (0, 1, 2)", "needs two"]),
    "ordinal text": (
        written("phenotypes.csv", b"id,milk\ncow00001,low\ncow00002,high\n"),
        "--family ordinal", [PHENOTYPES, "order", "--classes high,low"]),
    "unknown class": (
        written("phenotypes.csv", b"id,milk\ncow00001,low\ncow00002,high\n"),
        "--family ordinal --classes low,mid", [f"{PHENOTYPES}, line 3", "high"]),
    "classes of measurements": (nothing, "--classes a,b", ["--family binary"]),
    "upper end of classes": (nothing, "--trait-upper u --family binary", ["--trait-upper"]),
    "upper end below the lower": (
        written("phenotypes.csv", b"id,milk,u\ncow00001,1,2\n\ncow00002,3,2\n"),
        "--trait-upper u", [f"{PHENOTYPES}, line 4", "--trait is greater than --trait-upper"]),
    "no such upper end": (nothing, "--trait-upper u", [f"{PHENOTYPES}, line 1", "--trait-upper u"]),
    "infinite upper end": (
        written("phenotypes.csv", b"id,milk,u\ncow00001,1,-inf\n"), "--trait-upper u",
        [f"{PHENOTYPES}, line 2", "--trait-upper is -inf"]),
    "below a limit that is not given": (
        line("omics.csv", 3, "cow00078,<LOD,1"), "",
        [f"{OMICS}, line 3", "<LOD", "omic0", "--detection-limits"]),
    "below another limit": (
        limited("cow00078,<0.5,1", "omic0,0.1"), "--detection-limits demo/limits.csv",
        [f"{OMICS}, line 3", "<0.5", "0.1"]),
    "limit of an unknown omic": (
        limited("cow00078,<LOD,1", "omic0,0.1\nomic9,1"), "--detection-limits demo/limits.csv",
        ["demo/limits.csv", "omic9"]),
    "limit that is no number": (
        limited("cow00078,<LOD,1", "omic0,low"), "--detection-limits demo/limits.csv",
        ["demo/limits.csv, line 2", "low"]),
    "limits without column names": (
        written("limits.csv", b"omic0,0.1\nomic1,0.2\n"), "--detection-limits demo/limits.csv",
        ["demo/limits.csv, line 1", "omic0 and 0.1 are an omic and its limit", "omic,limit"]),
    "omics without column names": (
        line("omics.csv", 1, "cow00079,0.5,0.7"), "",
        [f"{OMICS}, line 1", "cow00079 is an individual", "id,omic1"]),
    "mask without column names": (
        written("m.csv", b"rs1,omic0\nrs2,omic1\n"), "--mask demo/m.csv",
        ["demo/m.csv, line 1", "omic0 is an omic", "snp,omic"]),
    "unknown format": (nothing, "--format xlsx", ["--format", "parquet", "--help"]),
    "unknown method": (
        nothing, "--method BayesZ", ["BayesZ", "'RR-BLUP', 'GBLUP', 'BayesA', 'BayesB', 'BayesC'"]),
    "n-iter": (nothing, "--n-iter many", ["--n-iter many", "auto"]),
    "burn-in": (nothing, "--burn-in 50", ["--burn-in 50", "--n-iter"]),
    "no number": (nothing, "--burn-in few", ["--burn-in", "integer", "--help"]),
    "unknown option": (nothing, "--colour red", ["--colour", "--help"]),
    "no jobs": (nothing, "--jobs 0", ["--jobs must be a whole number, 1 or more (or -1:", "Got 0"]),
    "negative seed": (nothing, "--seed -1", ["--seed must be a whole number from 0 to", "Got -1"]),
    "text for a probability": (
        nothing, "--set method__pi=no", ["--set method__pi=no: The 'pi' parameter", "[0.0, 1.0)"]),
    "False for a mask": (nothing, "--set mask=False", ["--set mask=False: mask must be None"]),
    "unknown parameter": (nothing, "--set colour=1", ["colour"]),
    "config without =": (line("run.toml", 2, "seed"), "", ["demo/run.toml", "line 2", "Write"]),
    "config with an unknown option": (
        line("run.toml", 6, "colour = 1"), "", ["demo/run.toml, line 6", "colour"]),
    "folder without a name": (nothing, "--out .", ["--out .", "name"]),
    "config with a list for one value": (
        line("run.toml", 3, 'trait = ["milk"]'), "", ["demo/run.toml, line 3", "brackets"]),
    "parent folder": (nothing, "--out no/such", ["no/such", "Make it"]),
}  # fmt: skip


@pytest.fixture
def demo(workplace, tmp_path, monkeypatch):
    shutil.copytree(workplace.folder / "demo", tmp_path / "demo")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "demo"


@pytest.mark.parametrize("case", CASES)
def test_a_broken_input_is_one_line_and_leaves_nothing(case, demo, tmp_path, capfd):
    edit, options, expected = CASES[case]
    edit(demo)
    before = sorted(tmp_path.rglob("*"))
    code = main([*FIT.split(), *options.split()])
    printed = capfd.readouterr()
    assert code == 2
    assert printed.out == ""
    assert printed.err.count("\n") == 1, printed.err
    assert printed.err.startswith("sknnmm: error: ")
    for text in expected:
        assert text in printed.err
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("predict --model demo --genotypes demo/new.bed --out out", "demo/model.skops"),
        ("predict --model results --genotypes demo/new.bed --out out", "pass --covariates"),
        ("predict --model results --genotypes demo/no.bed --out out", "demo/no.bed"),
        (
            "predict --model results --genotypes demo/new.bed --covariates demo/new_truth.csv "
            "--out out",
            "demo/new_truth.csv: covariates lacks the columns 'sex'",
        ),
        ("predict --model results --genotypes demo/other.bed --out out", "matched by name"),
        ("predict --model broken --genotypes demo/new.bed --out out", "Run sknnmm fit again"),
        ("report --model demo", "demo/summary.json"),
        ("report --model results --cv results", "pass that of sknnmm cv"),
        ("cv --config demo/run.toml --group herd --out out", "covariates.csv (sex, family)"),
        ("cv --config demo/run.toml --folds 1 --out out", "--folds 1"),
        ("cv --config demo/run.toml --group sex --folds 3 --out out", "Lower --folds"),
        ("fit --config demo/run.toml --out demo --overwrite", "written by sknnmm simulate"),
        ("fit --config demo/run.toml --out broken --overwrite", "log.txt"),
        ("simulate --out demo", "--overwrite"),
        ("simulate --out out --seed -1", "--seed must be a whole number from 0 to"),
        ("simulate --out out --snps 0", "--snps 0 is too few: give 1 or more"),
        ("simulate --out out --missing-omics 2", "--missing-omics must be a float in the range"),
        ("report --model results --out results --overwrite", "results is a folder"),
        ("report --model results --out no/report.html", "the folder no does not exist. Make"),
        ("cv --config demo/run.toml --fixed family --group family --out out", "is in fold 1 only"),
        (f"cv --out out --family binary --folds 3 {RARE}", "outside fold"),
    ],
)
def test_other_commands_say_in_one_line_what_is_wrong(
    options, expected, demo, workplace, tmp_path, capfd
):
    shutil.copytree(workplace.folder / "results", tmp_path / "results")
    (tmp_path / "results" / "report.html").unlink()
    (tmp_path / "rare.csv").write_text("id,sick\ncow00001,1\ncow00002,0\n" + HEALTHY)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "model.skops").write_bytes(b"PK\x03\x04")
    for suffix in ("bed", "bim", "fam"):
        content = (demo / f"new.{suffix}").read_bytes()
        (demo / f"other.{suffix}").write_bytes(content.replace(b"rs", b"snp"))
    before = sorted(tmp_path.rglob("*"))
    assert main(options.split()) == 2
    printed = capfd.readouterr().err
    assert printed.count("\n") == 1 and expected in printed
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("command", "name", "text"),
    [
        ("report --model results", "summary.json", "[]"),
        ("report --model results", "summary.json", '{"command": "fit"}'),
        ("report --model results", "diagnostics.csv", "a,b\n1,2\n"),
        ("report --model results", "snp_effects.csv", "snp,response,variance,lfdr\n"),
        ("report --model results", "variance_components.csv", ""),
        ("report --model results", "breeding_values.csv", -3),
        ("report --model results", "windows.csv", "last line"),
        ("report --model results --cv folds", "../folds/predictions.csv", "last line"),
        ("predict --model results --genotypes demo/new.bed --out out", "variants.csv", "snp\na\n"),
        ("predict --model results --genotypes demo/new.bed --out out", "variants.csv", "a\n1\n"),
    ],
)
def test_a_damaged_result_is_one_line_that_names_it(
    command, name, text, demo, workplace, tmp_path, capfd
):
    shutil.copytree(workplace.folder / "results", tmp_path / "results")
    (tmp_path / "results" / "report.html").unlink()
    shutil.copytree(workplace.folder / "folds", tmp_path / "folds")
    path = tmp_path / "results" / name
    whole = path.read_text()
    if text == "last line":
        text = "".join(whole.splitlines(keepends=True)[:-1])
    path.write_text(whole[:text] if isinstance(text, int) else text)
    before = sorted(tmp_path.rglob("*"))
    assert main(command.split()) == 2
    printed = capfd.readouterr().err
    assert (
        printed.count("\n") == 1 and f"{path.resolve().relative_to(tmp_path)} is damaged" in printed
    )
    assert sorted(tmp_path.rglob("*")) == before


def test_debug_shows_the_traceback_before_the_line(demo, capfd):
    assert main([*FIT.split(), "--trait", "fat", "--debug"]) == 2
    printed = capfd.readouterr().err
    assert printed.startswith("Traceback") and "sknnmm: error: --trait fat" in printed


def test_ctrl_c_says_that_nothing_is_kept_of_other_commands(demo, capfd, monkeypatch):
    def stopped(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("sknnmm.cli.cv.read_inputs", stopped)
    assert main(["cv", "--config", "demo/run.toml", "--out", "folds"]) == 130
    assert "nothing is kept" in capfd.readouterr().err


def test_ctrl_c_says_how_to_continue_and_the_same_command_does(demo, tmp_path, capfd, monkeypatch):
    from sknnmm.sampling.gibbs import Sampler

    iterate, calls = Sampler.iterate, []

    def stopped(self, *arguments, **options):
        calls.append(1)
        if len(calls) == 12:
            raise KeyboardInterrupt("checkpoint: saved in out.checkpoint. The same fit continues.")
        return iterate(self, *arguments, **options)

    monkeypatch.setattr(Sampler, "iterate", stopped)
    assert main(FIT.split()) == 130
    printed = capfd.readouterr().err
    assert "sknnmm: stopped: checkpoint" in printed and "continues" in printed
    assert (tmp_path / "out.checkpoint").is_dir() and not (tmp_path / "out").exists()
    assert main(FIT.split()) == 0
    *_, warning, last = capfd.readouterr().err.splitlines()
    assert warning.startswith("warning: ") and last == (
        "out: 9 tables and the model, which sknnmm report and sknnmm predict read by --model out"
    )
    assert (tmp_path / "out" / "model.skops").is_file()
    assert len(list((tmp_path / "out").glob("*.csv"))) == 9 + 1  # with the alleles of the model
    assert not (tmp_path / "out.checkpoint").exists()
