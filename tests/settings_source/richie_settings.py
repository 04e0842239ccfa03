"""Settings in the structure of a Richie site: data for tests, read and never imported.

Mixins, django-configurations, values inside dicts, a class for each environment, and Joanie joining the list of LMSs
when the settings are set up.
"""

import json
import os

import sentry_sdk
from configurations import Configuration, values
from django.utils.translation import gettext_lazy as _
from richie.apps.courses.settings.mixins import RichieCoursesConfigurationMixin

HERE = os.path.dirname(os.path.abspath(__file__))


def get_release():
    """Ask a file that is not there."""
    with open(os.path.join(HERE, "version.json"), encoding="utf8") as version:
        return json.load(version)["version"]


class APIMixin:
    """Nothing of interest here."""

    REST_FRAMEWORK = {"ALLOWED_VERSIONS": ("1.0",)}


class Base(APIMixin, RichieCoursesConfigurationMixin, Configuration):
    """What all environments share."""

    SECRET_KEY = values.Value("ExampleKey")
    DATABASES = {"default": {"PASSWORD": values.Value("pass", environ_name="DB_PASSWORD", environ_prefix=None)}}
    FEATURES = values.DictValue(environ_name="FEATURES", environ_prefix=None)

    JOANIE_BACKEND = {
        "BASE_URL": values.Value(environ_name="JOANIE_BASE_URL", environ_prefix=None),
        "BACKEND": values.Value(
            "richie.apps.courses.lms.joanie.JoanieBackend", environ_name="JOANIE_BACKEND", environ_prefix=None
        ),
        "JS_BACKEND": values.Value("joanie", environ_name="JOANIE_JS_BACKEND", environ_prefix=None),
        "COURSE_REGEX": values.Value(
            r"^.*/api/v1.0(?P<resource_uri>(?:/(?:courses|course-runs|products)/[^/]+)+)/?$",
            environ_name="JOANIE_COURSE_REGEX",
            environ_prefix=None,
        ),
        "JS_COURSE_REGEX": values.Value(
            r"^.*/api/v1.0((?:/(?:courses|course-runs|products)/[^/]+)+)/?$",
            environ_name="JOANIE_JS_COURSE_REGEX",
            environ_prefix=None,
        ),
        "COURSE_RUN_SYNC_NO_UPDATE_FIELDS": [],
        "DEFAULT_COURSE_RUN_SYNC_MODE": "sync_to_public",
    }

    RICHIE_LMS_BACKENDS = [
        {
            "BASE_URL": values.Value(environ_name="EDX_BASE_URL", environ_prefix=None),
            "BACKEND": values.Value(
                "richie.apps.courses.lms.edx.EdXLMSBackend", environ_name="EDX_BACKEND", environ_prefix=None
            ),
            "COURSE_REGEX": values.Value(
                r"^.*/courses/(?P<course_id>.*)/course/?$", environ_name="EDX_COURSE_REGEX", environ_prefix=None
            ),
            "JS_BACKEND": values.Value("openedx-hawthorn", environ_name="EDX_JS_BACKEND", environ_prefix=None),
            "JS_COURSE_REGEX": values.Value(
                r"^.*/courses/(.*)/course/?$", environ_name="EDX_JS_COURSE_REGEX", environ_prefix=None
            ),
            "COURSE_RUN_SYNC_NO_UPDATE_FIELDS": [],
            "DEFAULT_COURSE_RUN_SYNC_MODE": "sync_to_public",
        }
    ]
    RICHIE_COURSE_RUN_SYNC_SECRETS = values.ListValue([])

    dashboard_urls = {"dashboard": {"label": _("Dashboard"), "href": _("{base_url:s}/dashboard/")}}
    if FEATURES.get("REACT_DASHBOARD", False) and JOANIE_BACKEND.get("BASE_URL") is not None:
        dashboard_urls = {"dashboard": {"label": _("Dashboard"), "href": _("/dashboard/")}}

    SENTRY_DSN = values.Value(None, environ_name="SENTRY_DSN")

    @classmethod
    def _get_environment(cls):
        return cls.__name__.lower()

    @property
    def RELEASE(self):  # noqa: N802
        """The release, from its file."""
        return get_release()

    @classmethod
    def post_setup(cls):
        """Do what needs all settings."""
        super().post_setup()

        if cls.SENTRY_DSN is not None:
            sentry_sdk.init(dsn=cls.SENTRY_DSN, environment=cls._get_environment(), release=get_release())
            with sentry_sdk.configure_scope() as scope:
                scope.set_extra("application", "backend")

        if cls.JOANIE_BACKEND.get("BASE_URL") is not None:
            cls.RICHIE_LMS_BACKENDS.append(cls.JOANIE_BACKEND)


class Development(Base):
    """On one's own machine."""

    DEBUG = True


class Test(Base):
    """For tests, with an LMS that is not there."""

    RICHIE_LMS_BACKENDS = [
        {
            "BASE_URL": "http://localhost:8073",
            "BACKEND": "richie.apps.courses.lms.edx.EdXLMSBackend",
            "COURSE_REGEX": r"^.*/courses/(?P<course_id>.*)/course/?$",
            "JS_BACKEND": "dummy",
            "JS_COURSE_REGEX": r"^.*/courses/(.*)/course/?$",
        }
    ]


class Production(Base):
    """For the public."""

    SECRET_KEY = values.SecretValue()
    ALLOWED_HOSTS = values.ListValue(None)


class Staging(Production):
    """As the public has it, a day earlier."""
