"""The demonstration run as a public site is: debugging off, static files compressed and named by their content."""

import os

os.environ.setdefault("SECRET_KEY", "figures")
os.environ["DEBUG"] = "false"

from cms_lms.site.settings import *

# The fake LMS has no certificate.
CMS_LMS_ALLOW_INSECURE_URLS = True
CMS_LMS_PRIVATE_NETWORKS = ["127.0.0.0/8", "::1/128"]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = False
CMS_LMS_SYNC_SECRETS = ["SharedSecret"]
