"""The presets that each backend class offers for its course regex."""

import pytest

from cms_lms.backends.base import BaseLMSBackend
from cms_lms.backends.config import BackendConfig
from cms_lms.backends.joanie import JoanieBackend
from cms_lms.backends.moodle import MoodleBackend
from cms_lms.backends.openedx import OpenEdXBackend
from cms_lms.backends.registry import backend_choices, get_backend_class

BASE_URL = "https://lms.example.com"


def look_alikes(url):
    scheme, host, path = url.replace("://", "/", 1).split("/", 2)
    for other in (host.replace(".", "X", 1), f"{host}.evil", f"evil-{host}", f"evil.{host}", "lms.example.org"):
        yield f"{scheme}://{other}/{path}"


def test_a_class_without_particulars_has_none():
    assert BaseLMSBackend.pattern_presets(BASE_URL) == []


@pytest.mark.parametrize("backend_class", [OpenEdXBackend, JoanieBackend, MoodleBackend])
def test_these_have_some(backend_class):
    assert len(backend_class.pattern_presets(BASE_URL)) > 1


@pytest.mark.parametrize("path", [path for path, __ in backend_choices()])
def test_every_preset_suits_its_class(path):
    backend_class = get_backend_class(path)
    for preset in backend_class.pattern_presets(BASE_URL):
        backend = backend_class(BackendConfig("lms", "LMS", BASE_URL, preset.pattern))
        for url in preset.sample_urls:
            assert backend.extract_course_id(url)
            assert [backend.extract_course_id(other) for other in look_alikes(url)] == [None] * 5


def test_open_edx_presets_give_keys():
    for preset in OpenEdXBackend.pattern_presets(BASE_URL):
        backend = OpenEdXBackend(BackendConfig("lms", "LMS", BASE_URL, preset.pattern))
        for url in preset.sample_urls:
            key = backend.get_course_key(backend.extract_course_id(url), {})
            assert (key.organisation, key.code) == ("Org", "Course")
