"""Which router suits somebody: by kind of query, wish, latency and cost.

`field` reads the routers, `settings` puts each at its own threshold for a wish, `figures` says what
that gives and who differs, `document` ranks them, `words` reads it aloud, `command` is the verb.
"""
