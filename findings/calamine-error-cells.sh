#!/bin/sh
# python-calamine: a cell that holds an error reads as an empty text, as a cell that nobody filled.
#
# Version   python-calamine 0.9.1, on a file of openpyxl 3.1.5 (Python 3.11)
# Expected  An error cell (#DIV/0!, #N/A) is told from an empty one: an error, or its text, as
#           openpyxl gives it.
# Happens   to_python() gives '' for both. In a sheet of grades `=correct/asked` with asked = 0 then
#           looks like an outcome that is missing, and a reader that skips empty cells skips it
#           without a word.
# Remedy    Where the difference matters, look for error cells with openpyxl (data_only=True).
# Seen
#   calamine   ['#N/A cell', '', 'empty cell', '', 'end']
#   openpyxl   ['#N/A cell', '#N/A', 'empty cell', None, 'end']
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    python-calamine==0.9.1 openpyxl==3.1.5
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import openpyxl
from python_calamine import CalamineWorkbook

book = openpyxl.Workbook()
book.active.append(["#N/A cell", "#N/A", "empty cell", None, "end"])
assert book.active["B1"].data_type == "e"
book.save("grades.xlsx")

(by_calamine,) = CalamineWorkbook.from_path("grades.xlsx").get_sheet_by_index(0).to_python()
by_openpyxl = [cell.value for cell in openpyxl.load_workbook("grades.xlsx", data_only=True).active[1]]
print("calamine  ", by_calamine)
print("openpyxl  ", by_openpyxl)
sys.exit(
    by_calamine != ["#N/A cell", "", "empty cell", "", "end"]
    or by_openpyxl != ["#N/A cell", "#N/A", "empty cell", None, "end"]
)
PYTHON
