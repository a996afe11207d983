"""The file below the store: one connection, a cursor per call, transactions, schema versions.

A shared connection loses results when threads use it at once, so it is private and every call
takes a cursor of its own. Processes share a file for reading only, so a long-lived reader opens it
so, writes for a moment in `open_for_writing`, and gives it to others with `release`.
"""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self

import duckdb
import pandas as pd
import pyarrow as pa

from routellm_core.errors import StoreError
from routellm_core.store.gate import Gate

SETUP = "`python -m routellm_core setup`"
# A store must never fetch or load code: a foreign file is refused, not opened by an extension.
CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}


class OlderStoreError(StoreError):
    """A store of an older schema was opened for reading only, so that it cannot be migrated."""


class Database:
    """A store on disk, or in memory when no path is given.

    Usable in a `with` statement, which closes it.

    Args:
        path: a file made by `Store.create` or by the set-up; None for an empty one in memory.
        read_only: refuse writes; any number of processes may hold the file so.

    Raises:
        StoreError: absent, held by another process, damaged, or of a newer version.
    """

    def __init__(self, path: Path | None = None, *, read_only: bool = False) -> None:
        if path is not None and path.is_dir():
            raise StoreError(f"{path} is a folder; name a file in it, as explorer.duckdb")
        if path is not None and not path.is_file():
            raise StoreError(f"there is no store at {path}; run {SETUP}")
        self._start(path, read_only)

    @classmethod
    def create(cls, path: Path) -> Self:
        """A new, empty store on disk.

        Raises:
            StoreError: there is a file already, or it cannot be written.
        """
        if path.exists():
            raise StoreError(f"{path} exists already; open it or give another name")
        path.parent.mkdir(parents=True, exist_ok=True)
        store = cls.__new__(cls)
        store._start(path, read_only=False)
        return store

    def _start(self, path: Path | None, read_only: bool) -> None:
        is_new = path is None or not path.exists()
        self._path = path
        self._read_only = read_only
        self._is_closed = False
        self._gate = Gate()
        self._connecting = threading.Lock()
        self._writing = threading.RLock()
        self._transaction = threading.local()
        self._connection: duckdb.DuckDBPyConnection | None = _connect(path, read_only)
        try:
            with self._cursor() as cursor:
                _check_and_migrate(cursor, path, read_only, is_new)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give the file back; the store cannot be used after that."""
        self._is_closed = True
        self._disconnect()

    def release(self) -> None:
        """Let other processes have the file until the next reading or writing, which opens it.

        Waits for the readings of other threads. A store in memory stays as it is.
        """
        if self._path is not None:
            with self._gate.alone():
                self._disconnect()

    @contextmanager
    def open_for_writing(self) -> Iterator[None]:
        """Write for a moment with a store that was opened for reading only.

        Readings of other threads wait until it ends. All writes inside are one transaction.

        Raises:
            StoreError: another process holds the file; nothing was written.
        """
        if self._may_write:
            with self.atomic():
                yield
            return
        with self._gate.alone():
            self._disconnect()
            self._connection = _connect(self._path, read_only=False)
            try:
                with self.atomic():
                    yield
            finally:
                self._disconnect()

    @property
    def _may_write(self) -> bool:
        return not self._read_only or self._gate.is_mine

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def version(self) -> int:
        """Raised by every write, also across rebuilds: what cached readings are keyed on."""
        return int(self._one("SELECT write_count FROM meta")[0])

    @property
    def data_hash(self) -> str:
        """Hash of the shipped files this store was built from; empty when of none."""
        return str(self._one("SELECT data_hash FROM meta")[0])

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """One transaction: all writes inside happen, or none does.

        May be nested; the outermost one decides. Other threads see nothing until it ends, and
        their writes wait for it.
        """
        if not self._may_write:
            raise StoreError(f"{self._path} is open for reading only; open it without read_only")
        if getattr(self._transaction, "cursor", None) is not None:
            yield
            return
        with self._writing, self._cursor() as cursor:
            cursor.begin()
            self._transaction.cursor = cursor
            try:
                yield
                cursor.execute("UPDATE meta SET write_count = write_count + 1")
            except BaseException:
                cursor.rollback()
                raise
            finally:
                self._transaction.cursor = None
            cursor.commit()

    def _rows(self, sql: str, given: pa.Table | None = None, **parameters: Any) -> pa.Table:
        with self._cursor() as cursor, _given(cursor, given):
            return cursor.sql(sql, params=parameters).to_arrow_table()

    def _frame(self, sql: str, **parameters: Any) -> pd.DataFrame:
        with self._cursor() as cursor:
            return cursor.execute(sql, parameters).df()

    def _one(self, sql: str, **parameters: Any) -> tuple[Any, ...]:
        with self._cursor() as cursor:
            rows: list[tuple[Any, ...]] = cursor.execute(sql, parameters).fetchall()
            return rows[0]

    def _write(self, sql: str, given: pa.Table | None = None, **parameters: Any) -> None:
        with self.atomic(), self._cursor() as cursor, _given(cursor, given):
            cursor.execute(sql, parameters)

    def rewrite(self) -> None:
        """Rewrite the file, so that not a byte of what was deleted is left in it.

        A store in memory stays as it is. Readings of other threads wait until it ends.

        Raises:
            StoreError: another process holds the file; it stays as it was.
        """
        if self._path is None:
            return
        rewritten = self._path.with_suffix(".rewritten")
        with self._gate.alone():
            self._disconnect()
            rewritten.unlink(missing_ok=True)
            connection = _connect(self._path, read_only=False)
            try:
                former = connection.execute("SELECT current_database()").fetchall()[0][0]
                connection.execute("CHECKPOINT")
                connection.execute(f"ATTACH '{_quoted(str(rewritten))}' AS rewritten")
                connection.execute(f'COPY FROM DATABASE "{former}" TO rewritten')
                connection.execute("DETACH rewritten")
                # The lock is held until the new file stands in the place of the former one.
                rewritten.replace(self._path)
            except duckdb.Error as error:
                _raise_as_store_error(error, self._path)
            finally:
                connection.close()
                rewritten.unlink(missing_ok=True)

    def _checkpoint(self) -> None:
        """Move everything written into the file itself, so that no log lies beside it."""
        with self._cursor() as cursor:
            cursor.execute("CHECKPOINT")

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """The cursor of this thread's transaction, else a fresh one for one reading."""
        shared = getattr(self._transaction, "cursor", None)
        with self._gate.reading():
            cursor = shared or self._connected().cursor()
            try:
                yield cursor
            except duckdb.Error as error:
                _raise_as_store_error(error, self._path)
            finally:
                if shared is None:
                    cursor.close()

    def _connected(self) -> duckdb.DuckDBPyConnection:
        """The connection, opened again when it was given away."""
        with self._connecting:
            if self._connection is None:
                if self._is_closed:
                    raise StoreError(f"the store at {self._path} is closed; open it again")
                self._connection = _connect(self._path, self._read_only)
            return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _create_tables(cursor: duckdb.DuckDBPyConnection) -> None:
    cursor.execute(Path(__file__).with_name("schema.sql").read_text(encoding="utf-8"))


def _add_owner_and_usage(cursor: duckdb.DuckDBPyConnection) -> None:
    # owner: the browser session that alone sees the benchmark; NULL: all do.
    cursor.execute("ALTER TABLE benchmark ADD COLUMN owner VARCHAR")
    # Usage of answers without a grade; units as in outcome. Unique: as there.
    cursor.execute(
        """CREATE TABLE usage (
               benchmark_id  VARCHAR NOT NULL,
               query_id      VARCHAR NOT NULL,
               model         VARCHAR NOT NULL,
               answer_tokens DOUBLE CHECK (answer_tokens >= 0),
               cost_usd      DOUBLE CHECK (cost_usd >= 0),
               latency_s     DOUBLE CHECK (latency_s >= 0))"""
    )


def _add_facts_of_answers(cursor: duckdb.DuckDBPyConnection) -> None:
    # state: what the answer lacks ('empty', 'cut', 'capped', 'harness'); NULL: nothing is known.
    cursor.execute("ALTER TABLE outcome ADD COLUMN state VARCHAR")
    # Tokens as the model's own tokenizer counts them; NULL: not known. All of the prompt, and of
    # it those read from a cache and written to one; of the answer those of thoughts.
    for name in ("prompt_tokens", "cached_tokens", "cache_write_tokens", "reasoning_tokens"):
        cursor.execute(f"ALTER TABLE outcome ADD COLUMN {name} DOUBLE")


def _add_typed_prices(cursor: duckdb.DuckDBPyConnection) -> None:
    # What the user typed for the models of a set of their own. USD a million tokens; tokens of a
    # usual call, where nobody counted them. NULL: not typed. Unique: (benchmark_id, model).
    cursor.execute(
        """CREATE TABLE typed_price (
               benchmark_id   VARCHAR NOT NULL,
               model          VARCHAR NOT NULL,
               prompt_usd     DOUBLE CHECK (prompt_usd >= 0),
               answer_usd     DOUBLE CHECK (answer_usd >= 0),
               cache_read_usd DOUBLE CHECK (cache_read_usd >= 0),
               prompt_tokens  DOUBLE CHECK (prompt_tokens >= 0),
               answer_tokens  DOUBLE CHECK (answer_tokens >= 0))"""
    )


# Each takes a store from the version of its position to the next; only ever add at the end.
MIGRATIONS: list[Callable[[duckdb.DuckDBPyConnection], None]] = [
    _create_tables,
    _add_owner_and_usage,
    _add_facts_of_answers,
    _add_typed_prices,
]


def _check_and_migrate(
    cursor: duckdb.DuckDBPyConnection, path: Path | None, read_only: bool, is_new: bool
) -> None:
    tables_there = cursor.execute("SELECT table_name FROM information_schema.tables").fetchall()
    if not is_new and ("meta",) not in tables_there:
        raise StoreError(
            f"{path} is a database, but not a store of this project; give another path "
            f"or delete it and run {SETUP}"
        )
    rows = [] if is_new else cursor.execute("SELECT schema_version FROM meta").fetchall()
    version = int(rows[0][0]) if rows else 0
    if version > len(MIGRATIONS):
        raise StoreError(
            f"{path} was written by a newer version of this project (schema {version}, this one "
            f"knows {len(MIGRATIONS)}); update the project or delete the file and run {SETUP}"
        )
    if version < len(MIGRATIONS) and read_only:
        raise OlderStoreError(f"{path} was written by an older version; run {SETUP} to renew it")
    for number, migrate in enumerate(MIGRATIONS[version:], start=version + 1):
        cursor.begin()
        try:
            migrate(cursor)
            cursor.execute("UPDATE meta SET schema_version = $number", {"number": number})
        except BaseException:
            cursor.rollback()
            raise
        cursor.commit()


def _quoted(text: str) -> str:
    """A text as it may stand between the quotes of an SQL literal."""
    return text.replace("'", "''")


def _connect(path: Path | None, read_only: bool) -> duckdb.DuckDBPyConnection:
    try:
        return duckdb.connect(path or ":memory:", read_only=read_only, config=CONFIG)
    except duckdb.ConnectionException as error:
        if not read_only:
            raise StoreError(
                f"{path} is open for reading only in this process; close that first"
            ) from error
        # This process holds the file for writing: DuckDB wants one mode a process, so share it.
        return duckdb.connect(path or ":memory:", config=CONFIG)
    except duckdb.Error as error:
        _raise_as_store_error(error, path)


def _raise_as_store_error(error: duckdb.Error, path: Path | None) -> NoReturn:
    """Turn what is wrong with the file into a sentence; a mistake in the SQL stays what it is."""
    text = str(error)
    if "Could not set lock" in text or "being used by another process" in text:
        holder = re.search(r"PID (\d+)", text)
        who = f"process {holder[1]}" if holder else "another process"
        raise StoreError(
            f"{path} is in use by {who}; close it there (a running dashboard?) and try again"
        ) from error
    if isinstance(error, duckdb.TransactionException):
        raise StoreError(
            f"another process or session changed {path} at the same moment, nothing was written; "
            "try again"
        ) from error
    of_the_file = (
        duckdb.IOException,
        duckdb.FatalException,
        duckdb.InternalException,
        duckdb.SerializationException,
    )
    if type(error) is duckdb.Error or isinstance(error, of_the_file):
        raise StoreError(
            f"{path} cannot be read as a store or is damaged ({text.splitlines()[0]}); delete it "
            f"and run {SETUP} (what you imported into it has to be imported again)"
        ) from error
    raise error


@contextmanager
def _given(cursor: duckdb.DuckDBPyConnection, rows: pa.Table | None) -> Iterator[None]:
    """Lets SQL read `rows` as the table `given`."""
    if rows is None:
        yield
        return
    cursor.register("given", rows)
    try:
        yield
    finally:
        cursor.unregister("given")
