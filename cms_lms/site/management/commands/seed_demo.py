"""``manage.py seed_demo``: loads the demonstration, and whatever of it is missing when it runs again."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from wagtail.coreutils import get_content_languages
from wagtail.models import Locale, Page, Site

from cms_lms.catalog.models import CourseIndexPage, CoursePage
from cms_lms.conf import settings as lms_settings
from cms_lms.encryption import Secret
from cms_lms.matching.handler import LMSHandler
from cms_lms.models import BackendCredential, Course, CourseRun, DeletedRun, LMSBackend, SyncDelivery, SyncSecret
from cms_lms.models.stored_secret import SecretUnavailable
from cms_lms.patterns.urls import InvalidURL, normalize_base_url, resource_key
from cms_lms.runs.codes import normalize_code
from cms_lms.site.demo import (
    CREDENTIALS,
    MISSING_COURSE,
    SYNC_SECRETS,
    USERS,
    DemoCourse,
    DemoPage,
    demo_backends,
    demo_courses,
    demo_deliveries,
    demo_indexes,
)
from cms_lms.sync.signature import sign

#: What the page is that Wagtail's own migrations put at the root of a new site.
STOCK_PAGE = Page


class Command(BaseCommand):
    """Creates what is missing and leaves alone what is there, so that staff's changes stay."""

    help = "Load the demonstration: users, LMS backends, courses and their pages, course runs by the web hook."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the LMS's address, and the word that it is meant outside development."""
        parser.add_argument(
            "--lms-url",
            default=os.environ.get("LMS_URL", "http://localhost:8001"),
            help="Where the Open edX of the demonstration stands (default: LMS_URL, else http://localhost:8001).",
        )
        parser.add_argument(
            "--moodle-url",
            default=os.environ.get("MOODLE_URL", "http://localhost:8002"),
            help="Where its Moodle stands (default: MOODLE_URL, else http://localhost:8002).",
        )
        parser.add_argument("--force", action="store_true", help="Load it although DEBUG is off.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Load. Raises ``CommandError`` with nothing written where it cannot."""
        if not (settings.DEBUG or options["force"]):
            raise CommandError("This makes users with public passwords. Outside DEBUG, give --force if you mean it.")
        if not lms_settings.SYNC_SECRETS:
            raise CommandError("CMS_LMS_SYNC_SECRETS is empty: give it a secret, with which the runs are delivered.")
        urls = (
            self.clean_url("--lms-url", options["lms_url"], slug="campus"),
            self.clean_url("--moodle-url", options["moodle_url"], slug="moodle"),
        )
        with transaction.atomic():
            counts = {
                "users": self.seed_users(),
                "LMS backends": self.seed_backends(*urls),
                "courses": self.seed_courses(),
            }
        for name, count in counts.items():
            self.stdout.write(f"{name}: {count} created")
        self.deliver(*urls)

    def clean_url(self, option: str, url: str, *, slug: str) -> str:
        """Return the address of an LMS; that of the demonstration which is loaded already goes first."""
        try:
            lms_url = normalize_base_url(url, allow_insecure=lms_settings.ALLOW_INSECURE_URLS)
        except InvalidURL as error:
            raise CommandError(f"{option} {url}: {error.message}") from error
        loaded = LMSBackend.objects.filter(slug=slug).values_list("base_url", flat=True).first()
        if loaded and loaded != lms_url:
            self.stdout.write(self.style.WARNING(f"The demonstration was loaded for the LMS at {loaded} and stays so."))
            return loaded
        return lms_url

    def seed_users(self) -> int:
        """Create the missing users; return how many."""
        created = 0
        model = get_user_model()
        for user in USERS:
            if model.objects.filter(**{model.USERNAME_FIELD: user.name}).exists():
                continue
            create = model.objects.create_superuser if user.is_superuser else model.objects.create_user
            record = create(user.name, email=f"{user.name}@example.com", password=user.name)
            record.groups.set([Group.objects.get_or_create(name=name)[0] for name in user.groups])
            created += 1
        return created

    def seed_backends(self, lms_url: str, moodle_url: str) -> int:
        """Create the missing LMS backends; return how many."""
        created = 0
        for fields in demo_backends(lms_url, moodle_url):
            if LMSBackend.objects.filter(slug=fields["slug"]).exists():
                continue
            backend = LMSBackend(**fields)
            try:
                backend.full_clean()
            except ValidationError as error:
                raise CommandError(f"LMS backend {backend.name}: {'; '.join(error.messages)}") from error
            backend.save()
            backend.save_revision()
            self.seed_secrets(backend)
            created += 1
        return created

    def seed_secrets(self, backend: LMSBackend) -> None:
        """Give a new backend the secrets that the demonstration has for it."""
        model, now = get_user_model(), timezone.now()
        user = model.objects.filter(**{model.USERNAME_FIELD: USERS[0].name}).first()
        for name, text in CREDENTIALS.get(backend.slug, {}).items():
            BackendCredential.objects.store(backend, name, Secret(text), now=now, user=user)
        if secret_name := SYNC_SECRETS.get(backend.slug):
            SyncSecret.add(backend, name=secret_name, now=now, user=user)

    def seed_courses(self) -> int:
        """Create the missing courses, each with its page; return how many."""
        index, created = self.seed_index_page(), 0
        for demo in demo_courses():
            course, is_new = Course.objects.get_or_create(
                organisation=demo.key.organisation,
                code=normalize_code(demo.key.code),
                defaults={"title": demo.title},
            )
            if is_new:
                self.seed_course_page(index, course, demo.pages[0])
                created += 1
            self.seed_translations(course, demo)
        return created

    def seed_course_page(self, index: CourseIndexPage, course: Course, demo: DemoPage) -> None:
        """Publish the page of a course in the site's first language."""
        page = CoursePage(title=demo.title, course=course, body=demo.body, search_description=demo.description)
        index.add_child(instance=page)
        page.save_revision().publish()

    def seed_translations(self, course: Course, demo: DemoCourse) -> None:
        """Publish a course's page in the languages in which it is missing."""
        if len(demo.pages) == 1:
            return
        source = CoursePage.objects.filter(course=course, locale__language_code=demo.pages[0].language).first()
        done = set(CoursePage.objects.filter(course=course).values_list("locale__language_code", flat=True))
        for translated in demo.pages[1:]:
            locale = self.find_locale(translated.language)
            if source is None or locale is None or translated.language in done:
                continue
            page = source.copy_for_translation(locale, copy_parents=True)
            page.title, page.body, page.search_description = translated.title, translated.body, translated.description
            page.save_revision().publish()

    def find_locale(self, language: str) -> Locale | None:
        """Return the locale of a language, None where the site's pages are not in that language."""
        if language not in dict(get_content_languages()):
            return None
        return Locale.objects.get_or_create(language_code=language)[0]

    def seed_index_page(self) -> CourseIndexPage:
        """Return the catalogue's page, with its translations; the first time it becomes the root of the site."""
        texts, *translations = demo_indexes()
        index = CourseIndexPage.objects.filter(locale__language_code=texts.language).order_by("pk").first()
        if index is None:
            index = CourseIndexPage(
                title=texts.title,
                slug="courses",
                introduction=texts.introduction,
                search_description=texts.description,
            )
            Page.get_first_root_node().add_child(instance=index)
            index.save_revision().publish()
            self.make_root(index)
        done = set(index.get_translations().values_list("locale__language_code", flat=True))
        for translated in translations:
            locale = self.find_locale(translated.language)
            if locale is None or translated.language in done:
                continue
            page = index.copy_for_translation(locale)
            page.title, page.introduction = translated.title, translated.introduction
            page.search_description = translated.description
            page.save_revision().publish()
        return index

    def make_root(self, index: CourseIndexPage) -> None:
        """Let the site begin with the catalogue, in the place of the page that Wagtail's migrations made."""
        site = Site.objects.filter(is_default_site=True).first() or Site(is_default_site=True)
        stock_page = site.root_page if site.pk else None
        site.hostname, site.port, site.root_page = "localhost", int(os.environ.get("PORT", "8000")), index
        site.site_name = site.site_name or "Course catalogue"
        site.save()
        if stock_page is not None and stock_page.specific_class is STOCK_PAGE and stock_page.is_leaf():
            stock_page.delete()

    def deliver(self, lms_url: str, moodle_url: str) -> None:
        """Post to the web hook, as the LMSs do, the runs that have not come yet; print what became of them."""
        client = Client(SERVER_NAME="localhost")
        answers = []
        for links, body in demo_deliveries(lms_url, moodle_url):
            if all(self.has_come(link) for link in links):
                continue
            # What was deleted here comes back with the demonstration, whatever its LMS may do.
            DeletedRun.objects.filter(resource_key__in=map(resource_key, links)).delete()
            answers.append(
                client.post(
                    reverse("cms_lms:course_runs_sync"),
                    body,
                    content_type="application/json",
                    headers={"Authorization": sign(body, self.find_secret(links[0]))},
                )
            )
        refused = [answer for answer in answers if answer.status_code != 200]
        self.stdout.write(f"deliveries: {len(answers)} posted, {len(refused)} refused")
        for answer in refused:
            reason = answer.content.decode()
            on_purpose = " (left out of the catalogue on purpose)" if MISSING_COURSE.code in reason else ""
            self.stdout.write(f"  {answer.status_code} {reason}{on_purpose}")
        self.stdout.write(
            f"course runs: {CourseRun.objects.filter(live=True).count()} live, "
            f"{CourseRun.objects.filter(live=False).count()} waiting as drafts"
        )

    def find_secret(self, link: str) -> str:
        """Return the secret that the sender of a run signs with: its backend's own, else the site's."""
        backend = LMSHandler.select_lms(link)
        slug = backend.config.slug if backend else ""
        own = SyncSecret.objects.live().filter(backend__slug=slug, name=SYNC_SECRETS.get(slug, "")).first()
        try:
            return own.get_secret().reveal() if own else lms_settings.SYNC_SECRETS[0]
        except SecretUnavailable:
            return lms_settings.SYNC_SECRETS[0]

    def has_come(self, link: str) -> bool:
        """Whether a run has this link, or a delivery brought it and was refused."""
        return CourseRun.objects.for_link(link).exists() or SyncDelivery.objects.filter(payload__contains=link).exists()
