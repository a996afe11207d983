"""Distance of own queries from a benchmark: one module a question, texts and vectors in.

`two_sample` tells whether a classifier can tell the two apart, `duplicates` which stand in both and
how near each comes to the other set, `profile` how long they are and in which language, `map` draws
them, and `comparison` does all of it as a job.
"""
