"""Every cached reading of the dashboard, a subject a module.

Arguments are plain values. `version` is the store's counter of writes: a write makes all that was
read before it stale. Arrays are cached as resources, so nobody copies them; nobody may change them
either.
"""
