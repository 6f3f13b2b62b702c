"""Names of the layers of NN-MM: states, variables and predictions are found by them."""

OMICS, PHENOTYPE = "omics", "phenotype"
