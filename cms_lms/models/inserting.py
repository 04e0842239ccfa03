"""Inserting a row with a statement that is built once.

Every call of the web hook ends with a delivery, and for a wide model Django takes longer to build the insertion than
the database to do it: a fifth of a repeated call, which docs/benchmarks.md has in figures. The statement depends on
nothing but the model and the database. What it leaves out is what Django does around it: signals, and rows of parents.
"""

from __future__ import annotations

from functools import cache

from django.db import connections, models
from django.db.models.sql import InsertQuery


def insert_row(row: models.Model) -> None:
    """Insert a new row into the default database, which gives it its id. Raises ``DatabaseError``."""
    model = type(row)
    using = model._base_manager.db
    connection = connections[using]
    values = [field.get_db_prep_save(field.pre_save(row, add=True), connection) for field in _fields(model)]
    with connection.cursor() as cursor:
        cursor.execute(_statement(model, using), values)
        (row.pk,) = cursor.fetchone()
    row._state.adding, row._state.db = False, using


@cache
def _fields(model: type[models.Model]) -> list[models.Field]:
    return [field for field in model._meta.local_concrete_fields if not field.primary_key]


@cache
def _statement(model: type[models.Model], using: str) -> str:
    query = InsertQuery(model)
    query.insert_values(_fields(model), [model()], raw=True)
    compiler = query.get_compiler(using)
    compiler.returning_fields = [model._meta.pk]
    ((sql, _parameters),) = compiler.as_sql()
    return sql
