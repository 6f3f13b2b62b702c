"""
==================================
The draws of the chains with ArviZ
==================================

`posterior_` holds the draws of all chains. ``to_datatree`` hands them to `ArviZ
<https://www.arviz.org>`_ with the names of omics and SNPs, so that its plots work as they are. Here
are three of them: traces, ranks and a forest. It needs the extra ``arviz`` (``pip install
'sknnmm[arviz]'``).
"""

import arviz_plots
import pandas as pd

from sknnmm import NNMMRegressor
from sknnmm.datasets import make_omics_network

arviz_plots.style.use("arviz-variat")

data = make_omics_network(n_samples=300, n_snps=100, n_omics=3, missing_omics=0.2, random_state=0)
X = pd.DataFrame(data.X).add_prefix("rs")
omics = pd.DataFrame(data.omics, columns=["urea", "ketone", "glucose"])
model = NNMMRegressor(n_iter=1500, burn_in=500, random_state=0)
model.fit(X, data.y, omics=omics)

# %%
# Besides the draws of all parameters, group ``posterior``, the tree has those of the SNP effects,
# group ``effects``: by default of the 100 SNPs that are in the model most often.

tree = model.posterior_.to_datatree(snps=15)
print(list(tree["posterior"].data_vars))
print(tree["effects"].to_dataset())

# %%
# Traces
# ------
# One line for each chain. Chains that have converged lie over each other.

weights_and_shares = {"var_names": ["omics_weights", "heritability"], "backend": "matplotlib"}
plots = arviz_plots.plot_trace(tree, **weights_and_shares)
plots.savefig("arviz_trace.png")

# %%
# Ranks
# -----
# By how much the ranks of the draws of each chain, among those of all chains, are off what they
# would be if the chains agreed. The band is that of independent draws: chains whose draws follow
# each other slowly may leave it a little.

plots = arviz_plots.plot_rank(tree, **weights_and_shares)
plots.savefig("arviz_ranks.png")

# %%
# A forest
# --------
# Posterior intervals of the direct effects of the 15 SNPs that are in the model most often.

plots = arviz_plots.plot_forest(
    tree, group="effects", var_names=["direct_effects"], combined=True, backend="matplotlib"
)
plots.savefig("arviz_forest.png")
