"""Many rows at once into a table of the portal: COPY on PostgreSQL, one prepared statement elsewhere.

Called by `portal.demo.national` inside its transaction. Rows come past the objects, so whoever calls must
keep by himself what objects would keep: the claims, the busy days and the number of the roster.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Table, func, insert, select, text
from sqlalchemy.engine import Connection

Row = Mapping[str, Any]


def insert_rows(connection: Connection, model: Any, rows: Sequence[Row]) -> None:
    """Write rows that all name the same columns; the defaults of the others are the model's."""
    if not rows:
        return
    table: Table = model.__table__
    if connection.dialect.name == "postgresql":
        _copy(connection, table, rows)
    else:
        connection.execute(insert(table), list(rows))


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


def _copy(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    defaults = _defaults(table, rows[0])
    names = [*rows[0], *defaults]
    adapt = [_adapter(connection, table.c[name]) for name in names]
    columns = ", ".join(f'"{name}"' for name in names)
    raw: Any = connection.connection.driver_connection
    with raw.cursor() as cursor, cursor.copy(f'COPY "{table.name}" ({columns}) FROM STDIN') as copy:
        for row in rows:
            values = [*row.values(), *(default() for default in defaults.values())]
            copy.write_row([change(value) for change, value in zip(adapt, values, strict=True)])


def _adapter(connection: Connection, column: Any) -> Callable[[Any], Any]:
    """What the column's type does with a value before the driver gets it."""
    processor = column.type.dialect_impl(connection.dialect).bind_processor(connection.dialect)
    if processor is None:
        return lambda value: value
    return lambda value: None if value is None else processor(value)


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
