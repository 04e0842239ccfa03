"""The site's settings, made quick and quiet for tests."""

import os

from cms_lms.site.settings import *

DEBUG = False
SECRET_KEY = "tests"
ALLOWED_HOSTS = ["*"]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = False
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
CMS_LMS_ALLOW_INSECURE_URLS = False
CMS_LMS_SYNC_SECRETS = ["SharedSecret"]
CMS_LMS_DEFAULT_SYNC_MODE = "sync_to_public"
# Tests sign wrongly more often than strangers may.
CMS_LMS_SYNC_FAILURE_RATE = None
LANGUAGE_CODE = "en"
# One that runs from right to left.
LANGUAGES = WAGTAIL_CONTENT_LANGUAGES = [*LANGUAGES, ("ar", "العربية")]
TIME_ZONE = "UTC"

if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A file, as in production: threads of an in-memory database share one cache and refuse instead of waiting.
    # One for each run of the tests, so that two may run at once.
    DATABASES["default"]["OPTIONS"]["init_command"] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;"
    DATABASES["default"]["TEST"] = {"NAME": str(BASE_DIR / "var" / f"test-{os.getpid()}.sqlite3")}
