"""The first table of a spreadsheet as lines of JSON: `spreadsheet_process.py FILE [N_ROWS]`.

A process of its own, see `spreadsheet`. It imports little, so that it starts at once.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime, time
from io import BytesIO
from itertools import chain, islice
from pathlib import Path

from python_calamine import (
    CalamineError,
    CalamineSheet,
    PasswordError,
    SheetTypeEnum,
    load_workbook,
)

MOST_MEMORY = 1 << 32  # bytes


def main(path: Path, n_rows: int | None = None) -> None:
    """Write `[name of the sheet, number of sheets]` and, for each row, `[its number, its texts]`.

    The sheet is the first that holds anything; nothing is written when none does. Rows without any
    value are left out. What keeps it from reading is the last line on standard error.

    Args:
        path: xlsx, xlsm, xlsb, xls or ods, recognised by its content.
        n_rows: so many at most.
    """
    _bound_memory()
    try:
        content = path.read_bytes()  # calamine judges a path by its ending
        if "EncryptedPackage".encode("utf-16-le") in content:
            raise PasswordError
        book = load_workbook(BytesIO(content))
        names = [s.name for s in book.sheets_metadata if s.typ == SheetTypeEnum.WorkSheet]
        for name in names:
            rows = islice(_filled_rows(book.get_sheet_by_name(name)), n_rows)
            if first := next(rows, None):
                lines = chain([(name, len(names)), first], rows)
                sys.stdout.writelines(json.dumps(line) + "\n" for line in lines)
                return
    except PasswordError:
        sys.exit("it is encrypted")
    except (CalamineError, OSError) as error:
        sys.exit(str(error))


def _filled_rows(sheet: CalamineSheet) -> Iterator[tuple[int, list[str | None]]]:
    """Number and texts of each row that holds anything."""
    for number, row in enumerate(sheet.iter_rows(), start=1):
        texts = [_text(value) for value in row]
        if any(text is not None for text in texts):
            yield number, texts


def _text(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return str(value) or None


def _bound_memory() -> None:
    """Limit the process to `MOST_MEMORY` and leave no core behind, where the system allows it."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        most = MOST_MEMORY if hard == resource.RLIM_INFINITY else min(hard, MOST_MEMORY)
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
