"""The routers of a benchmark held against each other, chance, and what knows only the slice.

`verdicts` says of every two whether they are different, `controls` whether one is a router at all,
`decomposition` where its gain comes from, and `cost_readings` what others read from its curve;
`report` is all of that for a benchmark. `paper` and `claimed_saving` are the published figures.
"""
