"""Comparison of the routers of a benchmark with each other, with chance and with a slice prior.

`verdicts` tests every two routers, `controls` tells a router from a constant and from chance,
`decomposition` splits its gain into a part between slices and one within them; `report` is all of
that for a benchmark, `sentences` puts it into words. `paper` and `claimed_saving` are the published
figures.
"""
