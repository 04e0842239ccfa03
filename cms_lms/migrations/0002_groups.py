"""The three groups that share the work: who configures LMSs, who edits runs and who publishes them."""

from django.db import migrations

ADMINISTRATORS = "LMS administrators"
EDITORS = "Course editors"
PUBLISHERS = "Course publishers"

MODEL_NAMES = {
    "lmsbackend": "LMS backend",
    "course": "course",
    "courserun": "course run",
    "syncdelivery": "delivery",
}

EDITING = [
    ("course", ["add", "change", "view"]),
    ("courserun", ["add", "change", "view"]),
]

GROUPS = {
    ADMINISTRATORS: [("lmsbackend", ["add", "change", "delete", "view"]), ("syncdelivery", ["view"])],
    EDITORS: EDITING,
    PUBLISHERS: [*EDITING, ("courserun", ["publish", "lock", "unlock"])],
}

PAGE_ACTIONS = {
    EDITORS: ["add", "change"],
    PUBLISHERS: ["add", "change", "publish", "lock", "unlock"],
}


def create_groups(apps, schema_editor):
    """Give each group its permissions.

    Django and Wagtail create permissions after the last migration, so in a new database those named here
    do not exist yet; made here with the names that Django would give them, they are found later.
    """
    Group = apps.get_model("auth", "Group")
    for name, grants in GROUPS.items():
        group, _created = Group.objects.get_or_create(name=name)
        group.permissions.add(access_admin(apps))
        for model, actions in grants:
            for action in actions:
                group.permissions.add(
                    permission(apps, "cms_lms", model, f"{action}_{model}", f"Can {action} {MODEL_NAMES[model]}")
                )
        grant_pages(apps, group, PAGE_ACTIONS.get(name, []))


def permission(apps, app_label, model, codename, name):
    """Return a permission, made if need be."""
    ContentType = apps.get_model("contenttypes", "ContentType")
    Permission = apps.get_model("auth", "Permission")
    content_type, _created = ContentType.objects.get_or_create(app_label=app_label, model=model)
    found, _created = Permission.objects.get_or_create(
        content_type=content_type, codename=codename, defaults={"name": name}
    )
    return found


def access_admin(apps):
    """Return the permission to enter Wagtail's admin."""
    return permission(apps, "wagtailadmin", "admin", "access_admin", "Can access Wagtail admin")


def grant_pages(apps, group, actions):
    """Grant page permissions on the tree's root, where the site uses Wagtail's own page model."""
    GroupPagePermission = apps.get_model("wagtailcore", "GroupPagePermission")
    page_model = GroupPagePermission._meta.get_field("page").related_model
    root = page_model.objects.filter(depth=1).order_by("path").first()
    if root is None:
        return
    app_label, model_name = page_model._meta.app_label, page_model._meta.model_name
    for action in actions:
        GroupPagePermission.objects.get_or_create(
            group=group,
            page=root,
            permission=permission(
                apps, app_label, model_name, f"{action}_{model_name}", f"Can {action} {page_model._meta.verbose_name}"
            ),
        )


def remove_groups(apps, schema_editor):
    """Delete the groups; the permissions belong to the models and stay."""
    apps.get_model("auth", "Group").objects.filter(name__in=GROUPS).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("cms_lms", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("wagtailadmin", "0001_create_admin_access_permissions"),
        ("wagtailcore", "0097_baselogentry_uuid_action_timestamp_indexes"),
    ]

    operations = [migrations.RunPython(create_groups, remove_groups)]
