import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cms_lms", "0002_groups"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="BackendCredential",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("stored_value", models.TextField(blank=True, editable=False)),
                ("name", models.CharField(max_length=50, verbose_name="name")),
                ("origin", models.CharField(max_length=500, verbose_name="entered for")),
                ("changed_at", models.DateTimeField(verbose_name="changed at")),
                (
                    "backend",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="credentials", to="cms_lms.lmsbackend"
                    ),
                ),
                (
                    "changed_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="changed by",
                    ),
                ),
            ],
            options={
                "verbose_name": "API credential",
                "verbose_name_plural": "API credentials",
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(fields=("backend", "name"), name="cms_lms_one_credential_of_a_name")
                ],
            },
        ),
        migrations.CreateModel(
            name="SyncSecret",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("stored_value", models.TextField(blank=True, editable=False)),
                (
                    "name",
                    models.CharField(help_text="For example: production 2027.", max_length=60, verbose_name="name"),
                ),
                ("created_at", models.DateTimeField(verbose_name="created at")),
                ("last_used_at", models.DateTimeField(null=True, verbose_name="last used at")),
                ("retired_at", models.DateTimeField(null=True, verbose_name="retired at")),
                ("form_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                (
                    "backend",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sync_secrets",
                        to="cms_lms.lmsbackend",
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="created by",
                    ),
                ),
            ],
            options={
                "verbose_name": "web hook secret",
                "verbose_name_plural": "web hook secrets",
                "ordering": ["-created_at", "-pk"],
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(fields=("backend", "name"), name="cms_lms_one_sync_secret_of_a_name")
                ],
            },
        ),
    ]
