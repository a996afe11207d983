"""Guarantees of a threshold: a limit on a loss that holds with a stated confidence.

`risks` says what may be limited and how that is tested, `certify` finds the cheapest threshold that
passes, `choice` does so for the one checkpoint that a policy runs, and `sentences` says it.
"""
