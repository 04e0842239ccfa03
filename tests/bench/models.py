"""The floor's tables: the least that a web hook could keep. Created by ``migrate --run-syncdb``, like the rest."""

from __future__ import annotations

from django.db import models


class FloorRun(models.Model):
    """A row that is locked and updated."""

    key = models.CharField(max_length=64, unique=True)
    start = models.DateTimeField(null=True)
    enrollment_count = models.PositiveIntegerField(default=0)

    class Meta:
        app_label = "bench"

    def __str__(self) -> str:
        return self.key


class FloorDelivery(models.Model):
    """A row that each call inserts."""

    received_at = models.DateTimeField()
    payload = models.TextField()

    class Meta:
        app_label = "bench"

    def __str__(self) -> str:
        return f"{self.received_at}"
