"""The right to replay deliveries, and what finds them among millions."""

from django.db import migrations, models

ADMINISTRATORS = "LMS administrators"


def grant_replay(apps, schema_editor):
    """Give the right to those who look after LMSs, where their group still has its name.

    Django creates permissions after the last migration; made here with the name that it would give, it is found.
    """
    ContentType = apps.get_model("contenttypes", "ContentType")
    Permission = apps.get_model("auth", "Permission")
    content_type, _created = ContentType.objects.get_or_create(app_label="cms_lms", model="syncdelivery")
    permission, _created = Permission.objects.get_or_create(
        content_type=content_type, codename="replay_syncdelivery", defaults={"name": "Can replay delivery"}
    )
    for group in apps.get_model("auth", "Group").objects.filter(name=ADMINISTRATORS):
        group.permissions.add(permission)


class Migration(migrations.Migration):
    dependencies = [
        ("cms_lms", "0005_publishing"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="syncdelivery",
            options={
                "ordering": ["-received_at", "-pk"],
                "permissions": [("replay_syncdelivery", "Can replay delivery")],
                "verbose_name": "delivery",
                "verbose_name_plural": "deliveries",
            },
        ),
        migrations.AddIndex(
            model_name="syncdelivery",
            index=models.Index(fields=["backend", "received_at"], name="cms_lms_delivery_backend"),
        ),
        migrations.AddIndex(
            model_name="syncdelivery",
            index=models.Index(fields=["status_code", "received_at"], name="cms_lms_delivery_answer"),
        ),
        migrations.AddIndex(
            model_name="syncdelivery",
            index=models.Index(fields=["is_dry_run", "received_at"], name="cms_lms_delivery_dry_run"),
        ),
        migrations.AddIndex(
            model_name="syncdelivery",
            index=models.Index(fields=["created_count"], name="cms_lms_delivery_created"),
        ),
        migrations.AddIndex(
            model_name="syncdelivery",
            index=models.Index(fields=["updated_count"], name="cms_lms_delivery_updated"),
        ),
        migrations.AddIndex(
            model_name="syncdelivery",
            index=models.Index(fields=["drafted_count"], name="cms_lms_delivery_drafted"),
        ),
        migrations.AddIndex(
            model_name="syncdelivery",
            index=models.Index(fields=["unchanged_count"], name="cms_lms_delivery_unchanged"),
        ),
        migrations.AddIndex(
            model_name="syncdelivery",
            index=models.Index(fields=["ignored_count"], name="cms_lms_delivery_ignored"),
        ),
        migrations.AddIndex(
            model_name="syncdelivery",
            index=models.Index(fields=["refused_count"], name="cms_lms_delivery_refused"),
        ),
        migrations.RunPython(grant_replay, migrations.RunPython.noop),
    ]
