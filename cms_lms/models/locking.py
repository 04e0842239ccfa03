"""Reading rows by a unique column, locked or not, with a statement that is built once.

Every call of the web hook begins with such a read, and for a wide model Django takes longer to build the
query and the way from its rows to objects than the database to answer: a quarter of a repeated call, which
docs/benchmarks.md has in figures. Both depend on nothing but the model, the database and the number of values.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from typing import Any, NamedTuple, TypeVar

from django.db import connections, models

Row = TypeVar("Row", bound=models.Model)

#: How many statements a thread keeps; they differ by the number of values.
MAX_STATEMENTS = 32


class _Statement(NamedTuple):
    sql: str
    names: list[str]
    #: By the position of a column: what makes Python's values of the database's, and the column's expression.
    converters: dict[int, tuple[list[Callable[..., Any]], Any]]


class _Statements(threading.local):
    """Of each thread its own, as its connections are: converters are methods of theirs."""

    def __init__(self) -> None:
        self.built: dict[tuple[type[models.Model], str, str, int, bool], _Statement] = {}


_statements = _Statements()


def lock_rows(model: type[Row], column: str, values: Collection[str], *, using: str) -> list[Row]:
    """Return the rows whose unique ``column`` has one of the values, locked in its order.

    The lock lasts until the caller's transaction ends.
    """
    return _read(model, column, values, using, is_locked=True)


def read_rows(model: type[Row], column: str, values: Collection[str], *, using: str) -> list[Row]:
    """Return the rows whose unique ``column`` has one of the values, in its order, as they are now."""
    return _read(model, column, values, using, is_locked=False)


def _read(model: type[Row], column: str, values: Collection[str], using: str, *, is_locked: bool) -> list[Row]:
    ordered = sorted(set(values))
    if not ordered:
        return []
    statement = _statement(model, column, using, len(ordered), is_locked)
    connection = connections[using]
    with connection.cursor() as cursor:
        cursor.execute(statement.sql, ordered)
        rows = [list(row) for row in cursor.fetchall()]
    for position, (converters, expression) in statement.converters.items():
        for row in rows:
            for convert in converters:
                row[position] = convert(row[position], expression, connection)
    return [model.from_db(using, statement.names, row) for row in rows]


def _statement(model: type[Row], column: str, using: str, count: int, is_locked: bool) -> _Statement:
    key = (model, column, using, count, is_locked)
    built = _statements.built
    if key not in built:
        if len(built) >= MAX_STATEMENTS:
            built.clear()
        built[key] = _build(model, column, using, count, is_locked)
    return built[key]


def _build(model: type[Row], column: str, using: str, count: int, is_locked: bool) -> _Statement:
    placeholders = [str(number) for number in range(count)]
    rows = model._base_manager.using(using).filter(**{f"{column}__in": placeholders})
    if is_locked:
        rows = rows.select_for_update()
    compiler = rows.order_by(column).query.get_compiler(using)
    sql, _parameters = compiler.as_sql()
    columns = [expression for expression, _sql, _alias in compiler.select]
    return _Statement(sql, [expression.target.attname for expression in columns], compiler.get_converters(columns))
