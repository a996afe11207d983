"""Thresholds with a promise: a loss in words, kept with a stated confidence.

`promise` is what may be promised, `guarantee` finds the cheapest threshold that is certified for it
by the tests of `risk_bounds`, and `words` says so. A policy that carries a promise runs the very
checkpoint that the promise is about: `left_out` names it, `promised` and `promised_policy` make the
policy.
"""
