"""The site's settings for measuring: production's shape, tasks into a queue that nobody works off unasked."""

from tests.settings import *
from tests.settings import DATABASES, INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.bench"]
ROOT_URLCONF = "tests.bench.urls"
TASKS = {"default": {"BACKEND": "django_tasks.backends.dummy.DummyBackend"}}
# As a production site has it; else each call would pay for a new connection, floor and product alike.
DATABASES["default"]["CONN_MAX_AGE"] = None
WHITENOISE_AUTOREFRESH = WHITENOISE_USE_FINDERS = False
LOGGING_CONFIG = None
DEBUG = False
WAGTAIL_I18N_ENABLED = True
LANGUAGES = WAGTAIL_CONTENT_LANGUAGES = [("en", "English"), ("fr", "French"), ("de", "German")]
