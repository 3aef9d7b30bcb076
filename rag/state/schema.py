"""The tables of the state database, and how a database of an earlier version becomes one of this version.

To add a table, declare it and raise `VERSION`. To change a table, also add the statements that change it to `STEPS`.
"""

from collections.abc import Mapping

from sqlalchemy import BigInteger, Column, Connection, Double, Identity, Integer, MetaData, String, Table, Text, inspect
from sqlalchemy import text as sql

from rag.errors import StateUnavailable

VERSION = 5
STEPS: Mapping[int, tuple[str, ...]] = {
    2: ("ALTER TABLE feedback ADD COLUMN given_by VARCHAR(64) NOT NULL DEFAULT ''",),
    # No release had these tables without the knowledge bases.
    5: ("DROP TABLE IF EXISTS questions", "DROP TABLE IF EXISTS document_uses"),
}
"""By version, the statements that change existing tables of the version before. Missing tables need none."""

METADATA = MetaData()

Table("schema_version", METADATA, Column("version", Integer, primary_key=True))
# `asked_at` is in seconds since 1970, UTC; `body` is the trace as JSON.
Table(
    "traces",
    METADATA,
    Column("trace_id", String(32), primary_key=True),
    Column("asked_at", Double, nullable=False, index=True),
    Column("body", Text, nullable=False),
)
# A new rating of an answer by the same key replaces its old one. SQLite counts only an INTEGER key up.
Table(
    "feedback",
    METADATA,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), Identity(), primary_key=True),
    Column("at", String(40), nullable=False),
    Column("trace_id", String(32), nullable=False, index=True),
    Column("rating", String(10), nullable=False),
    Column("comment", Text, nullable=False),
    Column("question", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("generation", BigInteger, nullable=False),
    Column("given_by", String(64), nullable=False, server_default=""),
)

# `asked_at` is in seconds since 1970, UTC; `asked_by` is the name of an API key; `knowledge_bases` are names, with
# commas between them.
Table(
    "questions",
    METADATA,
    Column("trace_id", String(32), primary_key=True),
    Column("problem", String(16), primary_key=True),
    Column("asked_by", String(64), primary_key=True),
    Column("asked_at", Double, nullable=False, index=True),
    Column("knowledge_bases", Text, nullable=False),
    Column("question", Text, nullable=False),
)

# `day` is a proleptic Gregorian ordinal, as of `datetime.date`.
Table(
    "document_uses",
    METADATA,
    Column("day", Integer, primary_key=True),
    Column("knowledge_base", String(64), primary_key=True),
    Column("source", Text, primary_key=True),
    Column("answers", BigInteger, nullable=False),
)

# Any number will do, as long as all processes use the same one.
_POSTGRESQL_LOCK = 7_311_906


def is_current(connection: Connection) -> bool:
    """Return whether the database has the tables of this version. Raises StateUnavailable if a newer zhiwen made it."""
    return _version_of(connection) == VERSION


def migrate(
    connection: Connection,
    metadata: MetaData = METADATA,
    version: int = VERSION,
    steps: Mapping[int, tuple[str, ...]] = STEPS,
) -> None:
    """Bring an empty or older database to this version, in one transaction; other processes wait meanwhile."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.execute(sql("SELECT pg_advisory_xact_lock(:key)"), {"key": _POSTGRESQL_LOCK})
    found = _version_of(connection, version)
    for number in range(found + 1, version + 1):
        for statement in steps.get(number, ()) if found else ():
            connection.exec_driver_sql(statement)
    metadata.create_all(connection)
    connection.execute(sql("DELETE FROM schema_version"))
    connection.execute(sql("INSERT INTO schema_version (version) VALUES (:version)"), {"version": version})
    connection.commit()


def _version_of(connection: Connection, known: int = VERSION) -> int:
    """Return 0 for an empty database."""
    found = 0
    if inspect(connection).has_table("schema_version"):
        found = int(connection.execute(sql("SELECT max(version) FROM schema_version")).scalar_one() or 0)
    if found > known:
        raise StateUnavailable(f"a newer zhiwen has written it (version {found}, this one knows {known}); upgrade")
    return found
