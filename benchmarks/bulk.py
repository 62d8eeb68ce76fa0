"""Many rows at once into a table of the portal: COPY on PostgreSQL, batches elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import Any

from sqlalchemy import Table, func, insert, select, text
from sqlalchemy.engine import Connection

BATCH = 5000

Row = Mapping[str, Any]


def insert_rows(connection: Connection, model: Any, rows: Iterable[Row]) -> None:
    """Write rows that all name the same columns; the defaults of the others are the model's."""
    table: Table = model.__table__
    stream = iter(rows)
    first = next(stream, None)
    if first is None:
        return
    stream = chain([first], stream)
    if connection.dialect.name == "postgresql":
        _copy(connection, table, first, stream)
        _let_numbers_go_on(connection, table)
    else:
        for batch in _batches(stream):
            connection.execute(insert(table), batch)


def _copy(connection: Connection, table: Table, first: Row, rows: Iterator[Row]) -> None:
    defaults = _defaults(table, first)
    names = [*first, *defaults]
    adapt = [_adapter(connection, table.c[name]) for name in names]
    columns = ", ".join(f'"{name}"' for name in names)
    raw = connection.connection.driver_connection
    with raw.cursor() as cursor, cursor.copy(f'COPY "{table.name}" ({columns}) FROM STDIN') as copy:
        for row in rows:
            values = [*row.values(), *(default() for default in defaults.values())]
            copy.write_row([change(value) for change, value in zip(adapt, values, strict=True)])


def _adapter(connection: Connection, column: Any) -> Callable[[Any], Any]:
    processor = column.type.dialect_impl(connection.dialect).bind_processor(connection.dialect)
    if processor is None:
        return lambda value: value
    return lambda value: None if value is None else processor(value)


def _defaults(table: Table, row: Row) -> dict[str, Callable[[], Any]]:
    """What the model fills in where a row says nothing."""
    found: dict[str, Callable[[], Any]] = {}
    for column in table.columns:
        if column.name in row or column.default is None or column.default.is_sequence:
            continue
        default = column.default.arg
        found[column.name] = (lambda d=default: d(None)) if callable(default) else (lambda d=default: d)
    return found


def _let_numbers_go_on(connection: Connection, table: Table) -> None:
    """After rows with numbers of ours the table's own counter continues behind them."""
    column = table.autoincrement_column
    if column is not None:
        highest = connection.scalar(select(func.max(column))) or 1
        connection.execute(
            text("SELECT setval(pg_get_serial_sequence(:table, :column), :highest)"),
            {"table": table.name, "column": column.name, "highest": highest},
        )


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    return iter(lambda: list(islice(rows, BATCH)), [])
