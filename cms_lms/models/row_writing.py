"""Inserting and updating a row with statements that are not built by a query.

A call of the web hook that changes one run writes four rows, and for wide models Django takes longer to build such a
statement than the database to carry it out; docs/benchmarks.md has it in figures. What is left out is what Django does
around them: signals, and rows of parents. Other databases than the default one are not written to.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from django.db import connections, models
from django.db.models.sql import InsertQuery


def insert_row(row: models.Model) -> None:
    """Insert a new row, which gets its id. Raises ``DatabaseError``."""
    model = type(row)
    using = model._base_manager.db
    connection = connections[using]
    values = [field.get_db_prep_save(field.pre_save(row, add=True), connection) for field in _fields(model)]
    with connection.cursor() as cursor:
        cursor.execute(_insertion(model, using), values)
        (row.pk,) = cursor.fetchone()
    row._state.adding, row._state.db = False, using


def update_row(model: type[models.Model], pk: Any, columns: Mapping[str, Any], *, if_null: str = "") -> bool:
    """Give a row new values by the attributes' names, and return whether there is such a row.

    ``if_null``: only while this column has no value. Raises ``DatabaseError``.
    """
    connection = connections[model._base_manager.db]
    quote = connection.ops.quote_name
    fields = [_fields_by_attname(model)[name] for name in columns]
    values = [field.get_db_prep_save(value, connection) for field, value in zip(fields, columns.values(), strict=True)]
    assignments = ", ".join(f"{quote(str(field.column))} = %s" for field in fields)
    condition = f"{quote(str(model._meta.pk.column))} = %s" + (f" AND {quote(if_null)} IS NULL" if if_null else "")
    with connection.cursor() as cursor:
        # Names of the models' own columns; every value is a parameter.
        cursor.execute(f"UPDATE {quote(model._meta.db_table)} SET {assignments} WHERE {condition}", [*values, pk])  # noqa: S608
        return cursor.rowcount > 0


@cache
def _fields(model: type[models.Model]) -> list[models.Field]:
    return [field for field in model._meta.local_concrete_fields if not field.primary_key]


@cache
def _fields_by_attname(model: type[models.Model]) -> dict[str, models.Field]:
    return {field.attname: field for field in model._meta.local_concrete_fields}


@cache
def _insertion(model: type[models.Model], using: str) -> str:
    query = InsertQuery(model)
    query.insert_values(_fields(model), [model()], raw=True)
    compiler = query.get_compiler(using)
    compiler.returning_fields = [model._meta.pk]
    ((sql, _parameters),) = compiler.as_sql()
    return sql
