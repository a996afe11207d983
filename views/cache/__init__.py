"""Every cached reading of the dashboard, a subject a module.

Arguments are plain values. `version` is from `workspace.version`: a write makes all that was read
before it stale, and what was read of another store is never found. Arrays are cached as resources,
so nobody copies them; nobody may change them either.
"""
