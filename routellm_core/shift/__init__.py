"""How far own queries are from a benchmark: one module a question, texts and vectors in.

`two_sample` tells whether a classifier can tell the two apart, `nearest` how near each query comes
to the other set, `duplicates` which stand in both, `profile` how long they are and in which
language, and `map` draws them.
"""
