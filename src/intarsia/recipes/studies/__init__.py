"""Studies: the tables of the papers, one file a paper."""
