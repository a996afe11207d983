"""Recommendation of a router by kind of query, target, latency and cost.

`candidates` reads the routers, `with_router` puts each at its own threshold for a target,
`without_router` serves the target without one, both as `settings`. `estimates` gives their figures
and differences, `limits` excludes those beyond the limits, `report` ranks the rest, `sentences`
puts all of it into words for screen and terminal.
"""
