from django.db import migrations, models

import cms_lms.models.backend


class Migration(migrations.Migration):
    dependencies = [
        ("cms_lms", "0003_secrets"),
    ]

    operations = [
        migrations.AlterField(
            model_name="lmsbackend",
            name="backend",
            field=models.CharField(
                help_text="Which kind of LMS it is, for example “Open edX”. It decides what a course id is, which credentials there are and what is checked.",
                max_length=255,
                verbose_name="backend class",
            ),
        ),
        migrations.AlterField(
            model_name="lmsbackend",
            name="base_url",
            field=models.CharField(
                help_text="The address of the LMS, without the path of a page, for example https://lms.example.com",
                max_length=500,
                verbose_name="base URL",
            ),
        ),
        migrations.AlterField(
            model_name="lmsbackend",
            name="course_regex",
            field=models.CharField(
                help_text="A Python regular expression that matches the course URLs of this LMS from their start and finds the course id in a named group, for example ^https://lms\\.example\\.com/courses/(?P<course_id>[^/]+)/info$",
                max_length=2000,
                verbose_name="course regex",
            ),
        ),
        migrations.AlterField(
            model_name="lmsbackend",
            name="default_sync_mode",
            field=models.CharField(
                blank=True,
                choices=[
                    ("manual", "Manual"),
                    ("sync_to_draft", "Synchronise to draft"),
                    ("sync_to_public", "Synchronise to public"),
                ],
                help_text="What becomes of course runs that the LMS sends for the first time, for example “Synchronise to draft”: they wait for staff. Blank: the site’s default.",
                max_length=20,
                verbose_name="default synchronisation",
            ),
        ),
        migrations.AlterField(
            model_name="lmsbackend",
            name="is_enabled",
            field=models.BooleanField(
                default=True,
                help_text="Only enabled backends own URLs. Disable one, for example while its LMS moves: its runs stay, and are not synchronised.",
                verbose_name="enabled",
            ),
        ),
        migrations.AlterField(
            model_name="lmsbackend",
            name="js_backend",
            field=models.CharField(
                blank=True,
                help_text="How a learner’s browser speaks to this LMS, for example “Open edX, Hawthorn and later”. None: course pages show a plain link.",
                max_length=100,
                verbose_name="JS backend",
            ),
        ),
        migrations.AlterField(
            model_name="lmsbackend",
            name="js_course_regex",
            field=models.CharField(
                blank=True,
                help_text="The same as a JavaScript regular expression with one capturing group, for example ^https://lms\\.example\\.com/courses/([^/]+)/info$ – leave it blank and it is derived from the course regex.",
                max_length=2000,
                verbose_name="JS course regex",
            ),
        ),
        migrations.AlterField(
            model_name="lmsbackend",
            name="name",
            field=models.CharField(
                help_text="What editors and learners read, for example “Campus”.", max_length=100, verbose_name="name"
            ),
        ),
        migrations.AlterField(
            model_name="lmsbackend",
            name="no_update_fields",
            field=models.JSONField(
                blank=True,
                default=cms_lms.models.backend.empty_list,
                help_text="Set when a run is created, never overwritten by a later synchronisation. For example “Languages”, where staff know better than the LMS.",
                verbose_name="fields not to update",
            ),
        ),
        migrations.AlterField(
            model_name="lmsbackend",
            name="rejected_urls",
            field=models.JSONField(
                blank=True,
                default=cms_lms.models.backend.empty_list,
                help_text="URLs that are not of this LMS, one a line, for example https://lms.example.com/about",
                verbose_name="URLs that must not match",
            ),
        ),
        migrations.AlterField(
            model_name="lmsbackend",
            name="sample_urls",
            field=models.JSONField(
                blank=True,
                default=cms_lms.models.backend.empty_list,
                help_text="Course URLs of this LMS, one a line, for example https://lms.example.com/courses/course-v1:Org+Course+Run/info – both patterns must match each and find the same id.",
                verbose_name="sample course URLs",
            ),
        ),
        migrations.AlterField(
            model_name="lmsbackend",
            name="slug",
            field=models.SlugField(
                help_text="Names the backend in logs, files and commands, for example “campus”; stays the same when the name changes. Leave it blank and it is made from the name.",
                max_length=100,
                unique=True,
                verbose_name="slug",
            ),
        ),
    ]
