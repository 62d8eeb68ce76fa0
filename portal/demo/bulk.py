"""Many rows at once into a table of the portal: COPY on PostgreSQL, one prepared statement elsewhere.

Called by `portal.demo.national` inside its transaction. Rows come past the objects, so whoever calls must
keep by himself what objects would keep: the claims, the busy days and the number of the roster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Table, func, select, text
from sqlalchemy.engine import Connection

Row = Mapping[str, Any]


def insert_rows(connection: Connection, model: Any, rows: Sequence[Row]) -> None:
    """Write rows that all name the same columns; the defaults of the others are the model's."""
    if not rows:
        return
    table: Table = model.__table__
    defaults = _defaults(table, rows[0])
    names = [*rows[0], *defaults]
    adapt = [_adapter(connection, table.c[name]) for name in names]
    values = (
        [
            value if change is None or value is None else change(value)
            for change, value in zip(
                adapt, [*row.values(), *(default() for default in defaults.values())], strict=True
            )
        ]
        for row in rows
    )
    if connection.dialect.name == "postgresql":
        _copy(connection, table, names, values)
    else:
        _insert(connection, table, names, values)


def let_numbers_go_on(connection: Connection, models: Sequence[Any]) -> None:
    """After rows with numbers of ours the tables' own counters continue behind them."""
    if connection.dialect.name != "postgresql":
        return
    for model in models:
        connection.execute(
            text("SELECT setval(pg_get_serial_sequence(:table, 'id'), :highest)"),
            {"table": model.__tablename__, "highest": highest_number(connection, model) or 1},
        )


def highest_number(connection: Connection, model: Any) -> int:
    """The highest number that a row of the table has; 0 in an empty one."""
    return connection.scalar(select(func.max(model.id))) or 0


def _copy(connection: Connection, table: Table, names: Sequence[str], rows: Iterable[list[Any]]) -> None:
    raw: Any = connection.connection.driver_connection
    with raw.cursor() as cursor, cursor.copy(f'COPY "{table.name}" ({_listed(names)}) FROM STDIN') as copy:
        for row in rows:
            copy.write_row(row)


def _insert(connection: Connection, table: Table, names: Sequence[str], rows: Iterable[list[Any]]) -> None:
    marks = ", ".join("?" for _ in names)
    statement = f'INSERT INTO "{table.name}" ({_listed(names)}) VALUES ({marks})'  # noqa: S608 - names of ours
    connection.exec_driver_sql(statement, [tuple(row) for row in rows])


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _adapter(connection: Connection, column: Any) -> Callable[[Any], Any] | None:
    """What the column's type does with a value before the driver gets it; None is nothing."""
    processor: Callable[[Any], Any] | None = column.type.dialect_impl(connection.dialect).bind_processor(
        connection.dialect
    )
    return processor


def _defaults(table: Table, row: Row) -> dict[str, Callable[[], Any]]:
    """What the model fills in where a row says nothing."""
    return {
        column.name: _giving(column.default)
        for column in table.columns
        if column.name not in row and column.default is not None
    }


def _giving(default: Any) -> Callable[[], Any]:
    if default.is_callable:
        return lambda: default.arg(None)
    return lambda: default.arg
