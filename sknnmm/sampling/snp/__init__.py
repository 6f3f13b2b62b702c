"""Ways to draw the effects of SNPs, and the rule that chooses between them."""
