"""A policy as one page of HTML for the person who pays: it needs neither network nor script.

A package of its own above `policy`, so that a gateway's copy of the core does without it; its
figures are those of `policy`, `metrics` and `statistics`. `figures` reads them, `words` says what
they mean and what they leave open, `picture` draws the curve, `page` puts all of it together.
"""
