#!/bin/sh
# DuckDB: a threshold written into the SQL and the same threshold bound as a parameter keep
# different rows of a FLOAT column.
#
# Version   duckdb 2.0.0 (Python 3.11, numpy 2.4.6)
# Expected  `score >= 0.7` and `score >= ?` with 0.7 are the same condition.
# Happens   The literal 0.7 is a DECIMAL, which is cast to FLOAT to meet the column: 0.7 keeps the
#           row whose score is FLOAT 0.7. A Python float is bound as DOUBLE, and then the column is
#           cast to DOUBLE: 0.699999988079071 >= 0.7 is false, the row is gone. The literal 7e-1 is
#           a DOUBLE too. Numpy has the same split: a Python 0.7 keeps the value, np.float64(0.7)
#           does not. A router that keeps scores in 4 bytes and calls the strong model at a
#           threshold that equals a score decides differently by how the number came in.
# Remedy    Bind, and cast one side in writing: `score >= CAST(? AS FLOAT)`.
# Seen
#   literal 0.7           1
#   literal 7e-1          0
#   parameter             0
#   parameter as FLOAT    1
#   numpy, 0.7            1
#   numpy, float64(0.7)   0
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check duckdb==2.0.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import duckdb
import numpy as np

connection = duckdb.connect()
connection.execute("CREATE TABLE query AS SELECT CAST(0.7 AS FLOAT) AS score")


def kept(condition, *bound):
    sql = f"SELECT count(*) FROM query WHERE score >= {condition}"
    return connection.execute(sql, list(bound)).fetchall()[0][0]


score = np.array([0.7], dtype=np.float32)
seen = {
    "literal 0.7": kept("0.7"),
    "literal 7e-1": kept("7e-1"),
    "parameter": kept("?", 0.7),
    "parameter as FLOAT": kept("CAST(? AS FLOAT)", 0.7),
    "numpy, 0.7": int((score >= 0.7).sum()),
    "numpy, float64(0.7)": int((score >= np.float64(0.7)).sum()),
}
for name, count in seen.items():
    print(f"{name:<21} {count}")
sys.exit(list(seen.values()) != [1, 0, 0, 1, 1, 0])
PYTHON
