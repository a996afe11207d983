"""Numbers and short texts as people read them, on screen, in the terminal and in exported files.

A package of its own, below every sentence: the views may import the core but not the other way
round, so what screen and terminal share lies in the core; and the packages that write sentences
(`policy`, `evaluation`, `commands`, `views`) do not import each other's. Nothing here knows a
store, a router or a screen. The browser's counterpart is `views/components/kit/format.js`.
"""
