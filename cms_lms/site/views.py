"""The site's own views: the account of a learner who has one here, and what crawlers are told."""

from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.generic import TemplateView


@method_decorator(never_cache, name="dispatch")
class AccountView(LoginRequiredMixin, TemplateView):
    """Says who is logged in on this site, and lets her log out without scripts."""

    template_name = "cms_lms/site/account.html"


def robots_txt(request: HttpRequest) -> HttpResponse:
    """Let crawlers in, but for the places that are nobody's or staff's."""
    lines = ["User-agent: *", "Disallow: /admin/", "Disallow: /account/", "Disallow: /api/", ""]
    return HttpResponse("\n".join(lines), content_type="text/plain; charset=utf-8")
