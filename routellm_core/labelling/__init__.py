"""Outcomes for queries that have none: two models are asked and judged, or people label a sheet.

Asking sends texts away from this machine: to the endpoints of a plan and to nobody else. The
verdicts of a judge that is a model are the paper's augmentation (arXiv 2406.18665, section 4.1),
here on queries of one's own.

    plan.py       whom to ask, and the limits
    steps.py      what is asked about a query, and what comes of it
    judging.py    what a judge is shown, and how it is read
    allowed.py    where keys may go that are not the asking person's own
    endpoints.py  one request
    asking.py     one call, with waits and repeats, under the caps of spending.py
    record.py     every request and reply, a line each
    work.py       all of it, taken up where it was
    outcomes.py   the tables
    estimate.py   what it would cost
    sheet.py      the same from people
    keeping.py    into the store
"""
