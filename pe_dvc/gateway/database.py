"""Connections to the database of a ledger: SQLite by its path, PostgreSQL by its URL."""

from __future__ import annotations

import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from pe_dvc.gateway.ledger_tables import METADATA
from pe_dvc.primitives.errors import FormatError, LedgerUnavailableError, NotFoundError, PeDvcError
from pe_dvc.primitives.printable import brief

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import URL, Connection, Engine

_WAIT_SECONDS = 10
"""For how long a lock or a server is waited for: a reader waits as long, and is then refused."""
_PAUSE_SECONDS = 0.01
"""Between two tries at a file that another gateway is making."""
_CREATION_LOCK = 7_291_546_030_118
"""The advisory lock under which one of several gateways makes the tables."""


class Database:
    """A ledger's database. Any thread may use it; ``close`` ends its connections."""

    def __init__(self, place: str | Path, *, create: bool = False) -> None:
        """Open ``place``, the path of an SQLite file or a URL ``postgresql://…``.

        Raises FormatError for another URL, NotFoundError for no file, unless ``create``.
        """
        self._url = _url(place)
        self.where = self._url.render_as_string(hide_password=True)
        self.is_file = self._url.get_backend_name() == "sqlite"
        if self.is_file:
            self.where = str(self._url.database)
            _check_file(Path(self.where), create=create)
        self._engine = self._writing = _engine(self._url)
        if self.is_file:
            # Who only reads must not hold the one lock of writers.
            self._writing = _engine(self._url)
            event.listen(self._writing, "connect", _set_up_file)
            event.listen(self._writing, "begin", _lock_file)
            event.listen(self._engine, "begin", _begin)
        if create:
            with self.creating() as connection:
                METADATA.create_all(connection)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection that sees one state of the database, however long it reads."""
        with self._answering("read"), self._engine.connect() as plain:
            level = {} if self.is_file else {"isolation_level": "REPEATABLE READ"}
            connection = plain.execution_options(stream_results=True, yield_per=2000, **level)
            with connection.begin():
                yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection whose changes are all kept, safe on the disk, at the end, or none."""
        with self._answering("append"), self._writing.begin() as connection:
            yield connection

    def tidy(self) -> None:
        """Overwrite, in a file, what was erased in it; a server's administrator does that there."""
        if self.is_file:
            with self._answering("erase"):
                connection = self._engine.raw_connection()
                try:
                    connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
                finally:
                    connection.close()

    def close(self) -> None:
        """End all connections."""
        self._engine.dispose()
        self._writing.dispose()

    @contextmanager
    def creating(self) -> Iterator[Connection]:
        """Give a connection as ``writing`` does, while no other gateway has one of these."""
        with self.writing() as connection:
            if not self.is_file:
                lock = text("SELECT pg_advisory_xact_lock(:lock)")
                connection.execute(lock, {"lock": _CREATION_LOCK})
            yield connection

    @contextmanager
    def _answering(self, operation: str) -> Iterator[None]:
        try:
            yield
        except PeDvcError:
            raise
        except (SQLAlchemyError, OSError) as error:
            # The first line only: the statement and details have values, such as names of people.
            said = str(getattr(error, "orig", None) or type(error).__name__).splitlines()
            reason = brief(said[0]) if said else type(error).__name__
            raise LedgerUnavailableError(reason, where=self.where, operation=operation) from None


def _url(place: str | Path) -> URL:
    if isinstance(place, Path) or "://" not in place:
        return make_url("sqlite+pysqlite://").set(database=str(place))
    try:
        url = make_url(place)
    except ArgumentError:
        raise FormatError("the URL of the ledger cannot be read") from None
    backend = url.get_backend_name()
    if backend == "postgres":
        backend = "postgresql"
    if backend not in ("postgresql", "sqlite"):
        raise FormatError(
            f"a ledger is an SQLite file or postgresql://…, not {brief(backend)}://…",
        )
    driver = "psycopg" if backend == "postgresql" else "pysqlite"
    return url.set(drivername=f"{backend}+{driver}")


def _check_file(path: Path, *, create: bool) -> None:
    if path.exists():
        return
    if not create:
        raise NotFoundError(f"there is no ledger at {path}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)  # names of people will be in it


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, connect_args={"timeout": _WAIT_SECONDS})
        event.listen(engine, "connect", _begin_ourselves)
        return engine
    wait = _WAIT_SECONDS * 1000
    options = f"-c lock_timeout={wait} -c synchronous_commit=on -c tcp_user_timeout={wait}"
    try:
        return create_engine(
            url,
            pool_pre_ping=True,
            connect_args={"connect_timeout": _WAIT_SECONDS, "options": options},
        )
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        raise ModuleNotFoundError(
            "a ledger in PostgreSQL needs psycopg, which the extra pe_dvc[postgresql] brings",
            name="psycopg",
        ) from error


def _begin_ourselves(connection: Any, record: object) -> None:
    connection.isolation_level = None  # see _begin and _lock_file


def _set_up_file(connection: Any, record: object) -> None:
    """Make each commit durable, and what is erased unreadable."""
    _write_ahead(connection)
    for pragma in ("synchronous=FULL", "secure_delete=ON", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _write_ahead(connection: Any) -> None:
    """Have a file use its write-ahead log: there SQLite waits for no other that does so as well."""
    until = time.monotonic() + _WAIT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except connection.OperationalError as error:
            if error.sqlite_errorname != "SQLITE_BUSY" or time.monotonic() > until:
                raise
        time.sleep(_PAUSE_SECONDS)


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _lock_file(connection: Connection) -> None:
    """Begin as a writer: what was read in a transaction is then still so when it writes."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")
