"""How tests use the admin: URLs by the view set's names, forms posted as a browser posts them."""

from __future__ import annotations

from typing import Any

from bs4 import BeautifulSoup
from django.contrib.messages import get_messages
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from wagtail import hooks


def url(model: type, view: str, *args: Any) -> str:
    """Return the address of a view of a snippet."""
    hooks.search_for_hooks()  # registers the snippets, if nobody has asked for a page yet
    return reverse(model.snippet_viewset.get_url_name(view), args=args)


def soup(response: HttpResponse) -> BeautifulSoup:
    """Return the parsed page."""
    return BeautifulSoup(response.content, "html.parser")


def form_values(response: HttpResponse, selector: str = "form[data-edit-form]") -> dict[str, list[str]]:
    """Return what the browser would post from a page's form, were nothing touched and no button pressed."""
    form = soup(response).select_one(selector)
    assert form is not None, response.content[:2000]
    values: dict[str, list[str]] = {}
    for control in form.select("input, select, textarea"):
        name = control.get("name")
        if not name or control.has_attr("disabled"):
            continue
        if control.name == "select":
            chosen = [option["value"] for option in control.select("option[selected]")]
            if not chosen and not control.has_attr("multiple"):
                chosen = [option["value"] for option in control.select("option")[:1]]
            values.setdefault(name, []).extend(chosen)
        elif control.name == "textarea":
            # As HTML says: the line break that follows the tag is not part of the value.
            values.setdefault(name, []).append(control.text.removeprefix("\r").removeprefix("\n"))
        elif control.get("type") in ("checkbox", "radio"):
            if control.has_attr("checked"):
                values.setdefault(name, []).append(control.get("value", "on"))
        else:
            values.setdefault(name, []).append(control.get("value", ""))
    values.pop("csrfmiddlewaretoken", None)
    return values


def submit(client: Client, address: str, changes: dict[str, Any] | None = None, button: str = "") -> HttpResponse:
    """Open an edit form, change some of it, press a button (none: save) and return the answer."""
    page = client.get(address)
    assert page.status_code == 200, page.status_code
    values: dict[str, Any] = {**form_values(page), **(changes or {})}
    if button:
        values[button] = button
    action = soup(page).select_one("form[data-edit-form]")["action"]
    return client.post(action, values)


def errors(response: HttpResponse) -> dict[str, list[str]]:
    """Return the form's errors by field."""
    return {name: list(found) for name, found in response.context["form"].errors.items()}


def messages(response: HttpResponse) -> list[str]:
    """Return the messages that the next page would show."""
    return [
        BeautifulSoup(str(message), "html.parser").get_text().strip() for message in get_messages(response.wsgi_request)
    ]
