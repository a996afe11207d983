"""Queries to strong win rates, on this machine or on many.

`engine` scores texts by any routers together; `job` does so for stored queries in a process of its
own, and such jobs take turns by `queue`; `ray_engine` scores partitions of a table on any number of
workers.
"""
