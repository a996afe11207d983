"""Which router suits somebody: by kind of query, target, latency and cost.

`field` reads the routers, `routed` puts each at its own threshold for a target, `blind` serves the
target without one, both as `settings`; `figures` says what these give and who differs, `fitting`
which are within the limits, `document` ranks them, `words` reads it aloud.
"""
