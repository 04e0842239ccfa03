"""Secrets at rest: what opens them, what does not, and that a secret prints nowhere."""

from __future__ import annotations

import copy
import json
import logging
import pickle

import pytest
from django.template import Context, Template
from django.test import override_settings

from cms_lms.encryption import DecryptionFailed, Secret, decrypt, encrypt, reencrypt

TEXT = "hunter2-é-密"


def keys(*names: str):
    return override_settings(CMS_LMS_ENCRYPTION_KEYS=list(names))


def test_what_is_encrypted_can_be_read_again_and_is_not_the_text():
    stored = encrypt(Secret(TEXT), "a")
    assert TEXT not in stored
    assert decrypt(stored, "a").reveal() == TEXT
    assert encrypt(Secret(TEXT), "a") != stored  # nobody sees that two secrets are equal


def test_another_purpose_opens_nothing():
    with pytest.raises(DecryptionFailed):
        decrypt(encrypt(Secret(TEXT), "credential/1/token"), "credential/2/token")


@pytest.mark.parametrize("stored", ["", "plain", "gAAAA", "é" * 120, "\x00"])
def test_what_was_altered_opens_nothing(stored):
    with pytest.raises(DecryptionFailed):
        decrypt(stored, "a")


def test_old_keys_still_open_and_the_first_encrypts():
    with keys("old"):
        stored = encrypt(Secret(TEXT), "a")
    with keys("new", "old"):
        assert decrypt(stored, "a").reveal() == TEXT
        moved = reencrypt(stored, "a")
    with keys("new"):
        assert decrypt(moved, "a").reveal() == TEXT
        with pytest.raises(DecryptionFailed):
            decrypt(stored, "a")


def test_without_keys_of_its_own_the_sites_are_used():
    with override_settings(SECRET_KEY="one", SECRET_KEY_FALLBACKS=[]):
        stored = encrypt(Secret(TEXT), "a")
    with override_settings(SECRET_KEY="two", SECRET_KEY_FALLBACKS=["one"]):
        assert decrypt(stored, "a").reveal() == TEXT
    with override_settings(SECRET_KEY="two", SECRET_KEY_FALLBACKS=[]), pytest.raises(DecryptionFailed):
        decrypt(stored, "a")


def test_a_failure_says_nothing_of_text_or_key():
    with keys("the-key"):
        stored = encrypt(Secret(TEXT), "a")
    with keys("another-key"), pytest.raises(DecryptionFailed) as failure:
        decrypt(stored, "a")
    assert failure.value.args == ()
    assert failure.value.__suppress_context__


class TestSecret:
    secret = Secret(TEXT)

    @pytest.mark.parametrize(
        "show",
        [str, repr, ascii, "{}".format, "{!r}".format, lambda secret: f"{[secret]}"],
    )
    def test_it_does_not_print(self, show):
        assert "hunter2" not in show(self.secret)

    def test_it_is_not_logged(self, caplog):
        with caplog.at_level(logging.DEBUG):
            logging.getLogger("cms_lms").warning("The secret is %s.", self.secret)
        assert "hunter2" not in caplog.text

    @pytest.mark.parametrize("expression", ["secret", "secret.reveal", "secret.reveal|upper", "secret|pprint"])
    def test_no_template_shows_it(self, expression):
        template = Template(f"{{{{ {expression} }}}}")
        assert "hunter2" not in template.render(Context({"secret": self.secret})).lower()

    @pytest.mark.parametrize("keep", [pickle.dumps, json.dumps, copy.copy, copy.deepcopy])
    def test_it_is_not_stored(self, keep):
        with pytest.raises(TypeError):
            keep(self.secret)

    def test_it_has_no_attributes_that_inspection_would_list(self):
        with pytest.raises(TypeError):
            vars(self.secret)

    def test_it_is_equal_to_its_like(self):
        assert self.secret == Secret(TEXT)
        assert hash(self.secret) == hash(Secret(TEXT))
        assert self.secret != Secret("hunter3")
        assert self.secret != TEXT
        assert (bool(self.secret), bool(Secret(""))) == (True, False)

    def test_half_a_character_does_not_break_it(self):
        half = Secret("\udcff")  # as the environment gives a byte that is not UTF-8
        assert half != self.secret
        assert decrypt(encrypt(half, "a"), "a") == half
