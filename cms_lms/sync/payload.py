"""What a web hook payload may say: parsing it, and validating the fields of one course run.

The messages are part of the contract with senders.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from cms_lms.backends.base import BaseLMSBackend
from cms_lms.conf import settings as lms_settings
from cms_lms.runs.currencies import currency_codes
from cms_lms.runs.fields import SYNCED_FIELDS, CatalogVisibility, CertificateOffer, Offer
from cms_lms.runs.languages import map_language

Errors = dict[str, list[str]]

#: The largest number that every supported database keeps in the counter's column.
MAX_COUNT = 2**31 - 1

#: Characters of a refused value that an error message repeats.
ECHO_LENGTH = 100


class PayloadNotJSON(ValueError):
    """The body is not JSON."""


class InvalidPayload(Exception):
    """Fields are missing or wrong; ``errors`` maps their names to messages."""

    def __init__(self, errors: Errors) -> None:
        super().__init__(errors)
        self.errors = errors


def parse(body: bytes) -> Any:
    """Return the JSON value of a body in UTF-8, with or without byte order mark. Raises ``PayloadNotJSON``."""
    try:
        return json.loads(body.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except RecursionError:
        raise PayloadNotJSON("nested too deeply") from None
    except ValueError as error:
        raise PayloadNotJSON(str(error)) from None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


class LanguagesField(serializers.Field):
    """A non-empty list of codes of course languages, as any sender writes them."""

    default_error_messages = {
        "not_a_list": _('Expected a list of items but got type "{input_type}".'),
        "empty": _("This list may not be empty."),
        "invalid_choice": _('"{input}" is not a valid choice.'),
    }

    def to_internal_value(self, data: Any) -> list[str]:
        """Map each code to the site's, without doubles, in the order sent."""
        if not isinstance(data, list):
            self.fail("not_a_list", input_type=type(data).__name__)
        if not data:
            self.fail("empty")
        offered = [code for code, _label in lms_settings.COURSE_LANGUAGES]
        languages: dict[str, None] = {}
        for code in data:
            language = code if code in offered else map_language(code, offered)
            if language is None:
                self.fail("invalid_choice", input=str(code)[:ECHO_LENGTH])
            languages[language] = None
        return list(languages)

    def to_representation(self, value: list[str]) -> list[str]:
        """Return the list as it is."""
        return value


def _datetime_field() -> serializers.DateTimeField:
    return serializers.DateTimeField(allow_null=True, default_timezone=dt.UTC)


def _price_field() -> serializers.DecimalField:
    return serializers.DecimalField(max_digits=9, decimal_places=2, min_value=0, allow_null=True)


class CurrencyField(serializers.CharField):
    """An ISO 4217 code."""

    default_error_messages = {"invalid_choice": _('"{input}" is not a valid choice.')}

    def to_internal_value(self, data: Any) -> str:
        """Return the code in capitals."""
        code = super().to_internal_value(data).upper()
        if code not in currency_codes():
            self.fail("invalid_choice", input=str(data)[:ECHO_LENGTH])
        return code


class CourseRunPayload(serializers.Serializer):
    """The fields of one course run, all of them optional; None stands for "none" or "not said"."""

    start = _datetime_field()
    end = _datetime_field()
    enrollment_start = _datetime_field()
    enrollment_end = _datetime_field()
    languages = LanguagesField()
    enrollment_count = serializers.IntegerField(min_value=0, max_value=MAX_COUNT, allow_null=True)
    catalog_visibility = serializers.ChoiceField(choices=CatalogVisibility.choices, allow_null=True)
    price = _price_field()
    price_currency = CurrencyField(allow_null=True)
    offer = serializers.ChoiceField(choices=Offer.choices, allow_null=True)
    certificate_price = _price_field()
    certificate_offer = serializers.ChoiceField(choices=CertificateOffer.choices, allow_null=True)
    discounted_price = _price_field()
    discount = serializers.CharField(max_length=100, allow_null=True, allow_blank=True)
    certificate_discounted_price = _price_field()
    certificate_discount = serializers.CharField(max_length=100, allow_null=True, allow_blank=True)


#: Columns that are never null: a null in the payload means a blank ...
BLANK_FOR_NULL = ("offer", "certificate_offer", "discount", "certificate_discount")

#: ... or says nothing.
UNSAID_IF_NULL = ("enrollment_count", "catalog_visibility", "price_currency")


@cache
def _fields() -> dict[str, serializers.Field]:
    # Validation keeps no state on a field, and building the serializer costs more than validating a run.
    return dict(CourseRunPayload(partial=True).fields)


def validate(payload: Mapping[str, Any], backend: BaseLMSBackend, *, is_new: bool) -> dict[str, Any]:
    """Return the values for a run's columns that a payload asks for.

    For a known run the fields that the backend protects are left out, unread. For a new one ``languages``
    is required. Raises ``InvalidPayload``.
    """
    protected = frozenset() if is_new else backend.config.no_update_fields
    data = {name: payload[name] for name in SYNCED_FIELDS if name in payload and name not in protected}
    visibility = data.get("catalog_visibility")
    if isinstance(visibility, str):
        data["catalog_visibility"] = backend.map_visibility(visibility) or visibility[:ECHO_LENGTH]
    errors: dict[str, Any] = {}
    values: dict[str, Any] = {}
    for name, field in _fields().items():
        if name not in data:
            continue
        try:
            values[name] = field.run_validation(data[name])
        except serializers.ValidationError as error:
            errors[name] = error.detail
        except RecursionError:  # nested as deeply as can just be parsed, but not repeated in a message
            errors[name] = ["This value is nested too deeply."]
    if is_new and "languages" not in data:
        errors["languages"] = [str(serializers.Field.default_error_messages["required"])]
    if errors:
        raise InvalidPayload({name: [str(message) for message in messages] for name, messages in errors.items()})
    for name in BLANK_FOR_NULL:
        if name in values:
            values[name] = values[name] or ""
    return {name: value for name, value in values.items() if value is not None or name not in UNSAID_IF_NULL}
