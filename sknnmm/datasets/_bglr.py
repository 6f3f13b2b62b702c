"""Where the data of the R package BGLR come from."""

from sknnmm.datasets._r_files import Repository

BGLR = Repository("gdlc/BGLR-R", "f66f9bc07a735803ddfb9625f6eea0fe46c3df57")

BGLR_DOCS = {
    "source": """\
The data are those of the R package BGLR [2]_. The file is downloaded from the repository of BGLR
at first use.""",
    "bglr": """\
.. [2] Perez, P. and de los Campos, G. (2014). Genome-wide regression and prediction with
   the BGLR statistical package. Genetics, 198, 483-495.
   https://doi.org/10.1534/genetics.114.164442""",
}
