"""The ways to name a learner to an LMS that this package brings along: by username, and by ID number.

There is none by e-mail address: whoever may enter any address in an account here would act for its owner there. A site
that has verified its addresses writes a function of its own, which vouches for them (docs/custom-lms.md shows one).
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cms_lms.backends.enrollment import Learner, LearnerField
from cms_lms.conf import settings as lms_settings


class ByUsername:
    """The username here is the username there."""

    def __call__(self, user: Any) -> Learner | None:
        """Return the learner, None where the username is an address that nobody has verified."""
        username = user.get_username()
        return None if self.problem() or not username else Learner(LearnerField.USERNAME, str(username))

    def problem(self) -> str | Promise:
        """Say so where users have their e-mail address for a username."""
        model = get_user_model()
        if model.get_email_field_name() != model.USERNAME_FIELD:
            return ""
        return _(
            "The users of this site log in by e-mail address, and have no username by which an LMS could know them."
        )


class ByIDNumber:
    """The number that an institution gave to the learner, in the attribute that the settings name."""

    def __call__(self, user: Any) -> Learner | None:
        """Return the learner, None for a user without a number."""
        number = str(getattr(user, lms_settings.LEARNER_ID_NUMBER_FIELD, "") or "").strip()
        return Learner(LearnerField.ID_NUMBER, number) if number else None

    def problem(self) -> str | Promise:
        """Say so where users have no such attribute."""
        field = lms_settings.LEARNER_ID_NUMBER_FIELD
        if hasattr(get_user_model(), field):
            return ""
        return _(
            "The users of this site have no “%(field)s”. The site’s operator names the attribute that holds their ID "
            "number in the setting CMS_LMS_LEARNER_ID_NUMBER_FIELD."
        ) % {"field": field}


by_username = ByUsername()
by_id_number = ByIDNumber()
