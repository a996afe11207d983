"""The first sheet of an Excel or OpenDocument file that holds a table.

A formula is the value that was saved with it; without one, and for an error, the cell is empty.
The file is opened by a process of its own with bounded memory: calamine reserves the rectangle
between the outermost cells, so a file of two kilobytes can ask for 500 GB, which no `except`
catches.
"""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa

from routellm_core.errors import DataError
from routellm_core.importing.readers import spreadsheet_process, zip_limits
from routellm_core.importing.readers.naming import named
from routellm_core.importing.readers.table import MOST_TITLES, Table, column_names, is_title
from routellm_core.importing.values import Where

_OUT_OF_MEMORY = (-6, -9)  # SIGABRT, SIGKILL


def read(path: Path, n_rows: int | None = None) -> Table:
    """All columns as texts, null where a cell is empty.

    Args:
        path: of kind "spreadsheet".
        n_rows: so many below the header at most.

    Raises:
        DataError: damaged, encrypted, too large, or no sheet holds anything.
    """
    with path.open("rb") as file:
        if file.read(2) == b"PK":
            zip_limits.check(path)
            zip_limits.check_content(path)
    command = [sys.executable, "-P", spreadsheet_process.__file__, str(path)]
    command += [] if n_rows is None else [str(n_rows + 1)]
    done = subprocess.run(command, capture_output=True)
    if done.returncode in _OUT_OF_MEMORY:
        raise DataError(
            f"{named(path)}: needs more than {spreadsheet_process.MOST_MEMORY:,} bytes of memory; "
            "save the table alone, as CSV"
        )
    if done.returncode:
        reason = (done.stderr.decode(errors="replace").strip().splitlines() or ["unknown"])[-1]
        raise DataError(
            f"{named(path)}: is no whole spreadsheet that can be read ({reason[:200]}); save it "
            "again, without a password"
        )
    if not done.stdout:
        raise DataError(f"{named(path)}: no sheet holds a table; export it again")
    (sheet, n_sheets), (above, header), *body = map(json.loads, done.stdout.splitlines())
    for at, (number, row) in enumerate(body[:MOST_TITLES]):
        if all(is_title(title, row) for title in (header, *(r for _, r in body[:at]))):
            above, header, body = number, row, body[at + 1 :]
            break
    names = column_names(header)
    where = Where(named(path), np.array([number - above for number, _ in body], dtype=np.int64))
    columns = [pa.array([row[i] for _, row in body], pa.string()) for i in range(len(names))]
    notes = (f"Of the {n_sheets} sheets of {named(path)} only {sheet!r} was read.",)
    return Table(pa.table(columns, names), where, notes if n_sheets > 1 else ())
