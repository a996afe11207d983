"""Queries to strong win rates, on this machine or on many.

`engine` scores texts by any routers together; `job` does so for stored queries in a process of its
own, `ray_engine` for partitions of a table on any number of workers, `command` from the terminal.
"""
