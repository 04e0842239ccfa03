"""A setting from the source of Richie's settings: what running them would give, or an error with its place."""

from __future__ import annotations

import ast
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cms_lms.settings_source.module import EvaluatedSetting, SettingsModuleUnreadable, evaluate_setting

RICHIE = Path(__file__).with_name("richie_settings.py")


@pytest.fixture
def site(tmp_path: Path):
    """Write a settings module and return what evaluates it."""

    def site(source: str, *, class_name: str | None = None, name: str = "X", **environment: str) -> EvaluatedSetting:
        path = tmp_path / "settings.py"
        path.write_text(source, encoding="utf-8")
        return evaluate_setting(str(path), name, class_name=class_name, environment=environment)

    return site


def refused(function: Any, *arguments: Any, **keywords: Any) -> str:
    """Return the message of an evaluation that must be refused."""
    with pytest.raises(SettingsModuleUnreadable) as refusal:
        function(*arguments, **keywords)
    return str(refusal.value)


# A site as Richie's own.


def evaluate(class_name: str | None, **environment: str) -> EvaluatedSetting:
    return evaluate_setting(str(RICHIE), "RICHIE_LMS_BACKENDS", class_name=class_name, environment=environment)


def test_a_richie_site_in_the_environment_of_its_lms():
    evaluated = evaluate("Production", EDX_BASE_URL="https://lms.example.com")
    assert evaluated.value == [
        {
            "BASE_URL": "https://lms.example.com",
            "BACKEND": "richie.apps.courses.lms.edx.EdXLMSBackend",
            "COURSE_REGEX": r"^.*/courses/(?P<course_id>.*)/course/?$",
            "JS_BACKEND": "openedx-hawthorn",
            "JS_COURSE_REGEX": r"^.*/courses/(.*)/course/?$",
            "COURSE_RUN_SYNC_NO_UPDATE_FIELDS": [],
            "DEFAULT_COURSE_RUN_SYNC_MODE": "sync_to_public",
        }
    ]
    assert "EDX_COURSE_REGEX" in evaluated.unset_variables
    assert not {"EDX_BASE_URL", "DB_PASSWORD", "FEATURES", "DJANGO_SECRET_KEY"} & set(evaluated.unset_variables)


@pytest.mark.parametrize("class_name", ["Production", "Staging", "Development"])
@pytest.mark.parametrize("more", [{}, {"DJANGO_SENTRY_DSN": "https://sentry.example.com"}])
def test_joanie_joins_when_the_settings_are_set_up(class_name, more):
    joanie = "https://joanie.example.com"
    value = evaluate(class_name, EDX_BASE_URL="https://lms.example.com", JOANIE_BASE_URL=joanie, **more).value
    assert [entry["BASE_URL"] for entry in value] == ["https://lms.example.com", joanie]


def test_without_a_class_all_must_agree():
    message = refused(evaluate, None)
    assert "not the same in all classes" in message
    assert "--class: Base, Development, Test, Production, Staging." in message
    assert evaluate("Test").value[0]["JS_BACKEND"] == "dummy"


def test_a_class_that_is_not_there_is_said_with_those_that_are():
    assert "has no class Nope. Its classes: APIMixin, Base" in refused(evaluate, "Nope")


# Expressions.


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("X = [1, -2, 'a', None, True, 1.5]", [1, -2, "a", None, True, 1.5]),
        ("A = 'a'\nX = [A, *['b'], *(A,)]", ["a", "b", "a"]),
        ("A = {'a': 1}\nX = {**A, 'b': A['a']}", {"a": 1, "b": 1}),
        ("A = {'a': 1}\nX = A | {'b': 2}", {"a": 1, "b": 2}),
        ("H = 'lms'\nX = f'https://{H}.example.com/{1!s}'", "https://lms.example.com/1"),
        ("X = 'https://{}/{h}'.format('a', h='b')", "https://a/b"),
        ("X = '{base_url:s}/u'.format(base_url='x')", "x/u"),
        ("X = '%s/%s' % ('a', 1)", "a/1"),
        ("X = '%(a)s %%' % {'a': 1}", "1 %"),
        ("X = ' A '.strip().lower().replace('a', 'b')", "b"),
        ("X = '/'.join(['a', 'b'])", "a/b"),
        ("X = 'a' + 'b' * 2", "abb"),
        ("X = [1] + [2] * 2", [1, 2, 2]),
        ("X = 2 + 3 * 4 - 1", 13),
        ("X = 'abc'[1:]", "bc"),
        ("X = [1, 2, 3][-1]", 3),
        ("DEBUG = False\nX = 'a' if DEBUG else 'b'", "b"),
        ("X = None or 'a'", "a"),
        ("X = 'a' in ['a'] and 1 < 2 and not None is None", False),
        ("X = dict(A=1, **{'B': 2}).get('B')", 2),
        ("import re\nX = re.escape('a.b')", r"a\.b"),
        ("import copy\nX = copy.deepcopy([1])", [1]),
        ("from django.utils.translation import gettext_lazy as _\nX = [_('Home')]", ["Home"]),
        ("from django.utils import translation\nX = translation.gettext('Home')", "Home"),
        ("X: list = [1]", [1]),
        ("X = [1]\nX += [2]\nX.append(3)\nX.extend([4])", [1, 2, 3, 4]),
        ("X = [{}]\nX[0]['A'] = 1", [{"A": 1}]),
        ("X = Y = 1", 1),
        ("X = 1\nif X == 1:\n    X = 2\nelse:\n    X = 3", 2),
        ("X = ()", []),
        ("X = [{'API_TOKEN': 'hunter2', 'BASE_URL': 'a'}]", [{"API_TOKEN": None, "BASE_URL": "a"}]),
        ("X = [{'API_TOKEN': decrypt('hunter2')}]", [{"API_TOKEN": None}]),
        ("try:\n    import foo\nexcept ImportError:\n    foo = None\nX = 1", 1),
        ("OTHER = connect()\nOTHER.open()\nX = 1", 1),
        ("HOST = 'a'\nconnect(HOST)\nX = [HOST]", ["a"]),
        ("X = [{}]\nb = X[0]\nb['A'] = 1", [{"A": 1}]),
        ("from m import M\nclass A(M):\n    X = [1]\nX = A.X", [1]),
    ],
)
def test_what_is_plain_enough_is_evaluated(site, source, value):
    assert site(source).value == value


@pytest.mark.parametrize(
    "source",
    [
        "X = [1]\nX[0] = 2\nX += (3,)",
        "A = ['x']\nX = A\nA.append('y')",
        "A = ['x']\nX = A\nA += ['y']",
        "A = {'k': ['x']}\nX = A['k']\nA['k'].append('z')",
        "X = {'a': 1}\nX.update(b=2)\nX.setdefault('c', [])",
        "class A:\n    V = 1\n    W = V + 1\nX = A.W",
        "class A:\n    V = [1]\nclass B(A):\n    V = A.V + [2]\nX = B.V",
        "X = 'a-b'.split('-')",
        "X = list({'a': 1}.items())",
        "X = 'x' if 'a' in {'a': 1} else 'y'",
    ],
)
def test_it_is_what_python_makes_of_it(site, source):
    names: dict[str, Any] = {}
    exec(source, names)  # noqa: S102  (the tests' own lines)

    def plain(value: Any) -> Any:
        return [plain(item) for item in value] if isinstance(value, list | tuple) else value

    assert site(source).value == plain(names["X"])


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda kinds: st.lists(kinds)))
def test_every_literal_is_itself(value):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "settings.py"
        path.write_text(f"X = {value!r}", encoding="utf-8", errors="surrogatepass")
        try:
            ast.parse(path.read_bytes())
        except (SyntaxError, ValueError):
            return
        assert evaluate_setting(str(path), "X", environment={}).value == value


# The environment.


@pytest.mark.parametrize(
    ("expression", "variables", "value"),
    [
        ("os.environ['A']", {"A": "1"}, "1"),
        ("os.environ.get('A')", {}, None),
        ("os.environ.get('A', 'b')", {}, "b"),
        ("os.getenv('A', default='b')", {"A": "1"}, "1"),
        ("environ_.get('A')", {"A": "1"}, "1"),
        ("'y' if 'A' in os.environ else 'n'", {"A": "1"}, "y"),
        ("json.loads(os.environ['A'])", {"A": '[{"a": 1}]'}, [{"a": 1}]),
        ("env('A', default='b')", {}, "b"),
        ("env('A')", {"A": "1"}, "1"),
        ("env.str('A', 'b')", {}, "b"),
        ("env.bool('A', default=False)", {"A": "on"}, True),
        ("env.int('A')", {"A": "7"}, 7),
        ("env.list('A', default=[])", {"A": "a,b,"}, ["a", "b"]),
        ("env.json('A')", {"A": '{"a": 1}'}, {"a": 1}),
        ("env('OF_SCHEME')", {}, False),
        ("env('OF_SCHEME')", {"OF_SCHEME": "true"}, True),
        ("Value('b', environ_name='A', environ_prefix=None)", {"A": "1"}, "1"),
        ("Value('b', environ_name='A')", {"A": "1"}, "b"),
        ("Value('b', environ_name='A')", {"DJANGO_A": "1"}, "1"),
        ("Value('b', environ_name='A', environ_prefix='MY_')", {"MY_A": "1"}, "1"),
        ("Value('b', environ=False)", {"DJANGO_X": "1"}, "b"),
        ("Value(environ_name='A', environ_prefix=None)", {}, None),
        ("values.BooleanValue(True, environ_name='A')", {"DJANGO_A": "no"}, False),
        ("values.IntegerValue(1, environ_name='A')", {"DJANGO_A": "2"}, 2),
        ("values.ListValue(['x'], environ_name='A')", {"DJANGO_A": "a, b,"}, ["a", "b"]),
        ("values.ListValue(environ_name='A', separator=';')", {"DJANGO_A": "a;b"}, ["a", "b"]),
        ("values.TupleValue(('x',), environ_name='A')", {}, ["x"]),
        ("values.DictValue(environ_name='A')", {"DJANGO_A": "{'a': 1}"}, {"a": 1}),
        ("values.URLValue('https://a', environ_name='A')", {}, "https://a"),
    ],
)
def test_the_environment_as_the_settings_read_it(site, expression, variables, value):
    source = f"""
import environ, json, os
from configurations import values
from configurations.values import Value
from os import environ as environ_
env = environ.Env(OF_SCHEME=(bool, False))
environ.Env.read_env()
X = {expression}
"""
    assert site(source, **variables).value == value


def test_a_value_without_a_name_of_its_own_is_called_as_the_setting(site):
    source = (
        "from configurations import Configuration, values\nclass A(Configuration):\n    X = values.ListValue(['a'])"
    )
    assert site(source).value == ["a"]
    assert site(source, DJANGO_X="b,c").value == ["b", "c"]


@pytest.mark.parametrize(
    ("expression", "variables"),
    [
        ("os.environ['A']", {}),
        ("env('A')", {}),
        ("env.int('A')", {"A": "hunter2"}),
        ("env.json('A')", {"A": "hunter2"}),
        ("values.SecretValue(environ_name='A', environ_prefix=None)", {}),
        ("values.BooleanValue(environ_name='A', environ_prefix=None)", {"A": "hunter2"}),
        ("values.DictValue(environ_name='A', environ_prefix=None)", {"A": "hunter2("}),
    ],
)
def test_a_variable_that_is_missing_or_wrong_is_named_without_its_value(site, expression, variables):
    source = f"import environ, os\nfrom configurations import values\nenv = environ.Env()\nX = {expression}"
    message = refused(site, source, **variables)
    assert "settings.py:4:5: " in message
    assert "the environment variable A " in message
    assert "hunter2" not in message


# Classes and modules.


def test_the_nearest_class_counts_base_by_base(site):
    source = """
from configurations import Configuration
class Root(Configuration):
    X = "root"
class Left(Root):
    pass
class Right(Root):
    X = "right"
class Bottom(Left, Right):
    pass
class Mixed(Right, Left):
    pass
"""
    assert site(source, class_name="Bottom").value == "root"  # as django-configurations collects them
    assert site(source, class_name="Mixed").value == "right"


def test_properties_and_setting_up(site):
    source = """
from configurations import Configuration
class Base(Configuration):
    HOSTS = ["a"]
    @property
    def X(self):
        if len(self.HOSTS) > 1:
            return [{"BASE_URL": self.HOSTS[1]}]
        return []
    @classmethod
    def pre_setup(cls):
        super().pre_setup()
        cls.HOSTS = cls.HOSTS + ["b"]
class Other(Base):
    @classmethod
    def pre_setup(cls):
        super().pre_setup()
        cls.HOSTS.append("c")
"""
    assert site(source, class_name="Base").value == [{"BASE_URL": "b"}]
    assert site(source, name="HOSTS", class_name="Other").value == ["a", "b", "c"]


def test_other_modules_of_the_site_are_read_and_packages_are_not(tmp_path):
    package = tmp_path / "site" / "config"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "base.py").write_text("from .hosts import HOST as H\nX = [f'https://{H}']\n", encoding="utf-8")
    (package / "hosts.py").write_text("from .production import X\nHOST = 'lms'\n", encoding="utf-8")
    (package / "production.py").write_text(
        "from richie.apps.courses.settings import *\nfrom .base import *\nfrom config.base import X as Z\nX += Z\n",
        encoding="utf-8",
    )
    assert evaluate_setting(str(package / "production.py"), "X", environment={}).value == ["https://lms"] * 2
    message = refused(evaluate_setting, str(package / "production.py"), "ELSEWHERE", environment={})
    assert "It may come from richie.apps.courses.settings" in message


def test_a_dotted_name_is_found_and_not_imported(tmp_path, monkeypatch):
    (tmp_path / "mysite").mkdir()
    (tmp_path / "mysite" / "__init__.py").write_text("raise AssertionError('imported')", encoding="utf-8")
    (tmp_path / "mysite" / "settings.py").write_text("raise AssertionError\nX = 1", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    assert evaluate_setting("mysite.settings", "X", environment={}).value == 1


# What is refused.


@pytest.mark.parametrize(
    ("source", "place", "words"),
    [
        ("X = [\n    connect(1),\n]", "2:5: connect", "the name connect is not assigned"),
        ("def f():\n    return 1\nX = f()", "3:5: f()", "a function of the module"),
        ("import requests\nX = requests.get('https://hunter2')", "2:5: requests.get(…)", "requests.get is not"),
        ("X = [a for a in 'ab']", "1:5: ", "this kind"),
        ("X = lambda: 1", "1:5: ", "this kind"),
        ("X = ().__class__", "1:5: ().__class__", "attribute"),
        ("X = 'a'.__class__.__mro__", "1:5: ….__class__", "attribute"),
        ("X = '{0.__class__}'.format('a')", "1:5: ", "only {name}"),
        ("X = '{:>999999999}'.format('a')", "1:5: ", "only {name}"),
        ("X = f'{1:>999999999}'", "1:", "only {name}"),
        ("X = '%999999999d' % 1", "1:5: ", "only %s"),
        ("X = 'a' * 999999999", "1:5: ", "too large"),
        ("X = 2 ** 999999999", "1:5: 2 ** 999999999", "operator"),
        ("A = 'a' * 999999\nX = A.replace('a', A)", "2:5: ", "too large"),
        ("A = 'a' * 999999\nX = A.join(A)", "2:5: ", "too large"),
        ("A = 'a' * 999999\nX = ('{0}' * 20000).format(A)", "2:5: ", "too large"),
        ("A = 'a' * 999999\nX = ('%(a)s' * 20000) % {'a': A}", "2:5: ", "too large"),
        ("A = 'a' * 999999\nX = f'" + "{A}" * 20000 + "'", "2:5: ", "too large"),
        ("X = 10\n" + "X = X * X\n" * 60, "X * X", "too large"),
        ("A = B = []\n" + "A = [A, A]\nB = [B, B]\n" * 60 + "X = A == B", "A == B", "not compared"),
        ("X = [1]\n" + "X.extend(X)\n" * 60, ":1: X.extend", "too large"),
        ("X = [1]\n" + "X += X\n" * 60, ":1: X += X", "too large"),
        ("X = [1]\n" + "X = [X, X]\n" * 60, "X: ", "too large"),
        ("X = [1]\n" + "X = [X, X]\n" * 60 + "X = str(X)", "62:5: str(X)", "not evaluated"),
        ("X = 1 / 0", "1:5: ", "operator"),
        ("X = [][3]", "1:5: ", "IndexError"),
        ("X = {}['a']", "1:5: ", "KeyError"),
        ("X = 'a' + 1", "1:5: ", "operator"),
        ("X = __import__('os').system('true')", "1:5: __import__", "not assigned"),
        ("X = open('/etc/passwd').read()", "1:5: open", "not assigned"),
        ("X = [1]\nfor i in range(3):\n    X.append(i)", "2:1: for", "a statement of this kind"),
        ("X = [1]\nchange(X)", "2:1: change", "not assigned"),
        ("X = [1]\nexec('X = 2')", "2:1: exec", "not assigned"),
        ("X = 1\nlocals().update({'X': 2})", "2:1: locals", "not assigned"),
        ("X = [{}]\nfor b in X:\n    b['A'] = 1", "2:1: for", "a statement of this kind"),
        ("X = [{}]\nb = X[0]\nb[unknown()] = 1", "3:3: unknown", "not assigned"),
        ("A = [1]\nX = A\nchange(A)", "3:1: change", "not assigned"),
        ("A = [1]\nX = [A]\nB = change(A)", "3:5: change", "not assigned"),
        ("A = [1]\nX = {'k': A}\nwith change(A):\n    pass", "3:1: with", "a statement of this kind"),
        ("class A:\n    X = [1]\n@change\nclass B(A):\n    pass", "3:2: change", "decorator"),
        ("from m import M\nclass A:\n    X = [1]\nclass B(M, A):\n    pass", "4:9: M", "which was not read"),
        ("X = 1\ndel X", "2:1: del X", "a statement of this kind"),
        ("X = 1\nif unknown():\n    X = 2", "2:4: unknown", "not assigned"),
        ("try:\n    X = 1\nexcept Exception:\n    X = 2", "4:5: X = 2", "known only when"),
        ("A, X = 1, 2", "1:1: ", "an assignment of this kind"),
        ("from configurations import values\nX = [values.Value('a')]", "X: ", "no environ_name"),
        ("from configurations import values\nX = values.PathValue('a', environ_name='A')", "2:5: ", "not known here"),
        ("X = b'bytes'", "1:5: ", "kind"),
        ("X = [", "1: ", "not Python"),
        ("X = '\\ud800'\nhunter2(", "2: ", "not Python"),
        ("Y = 1", "settings.py: ", "X is not assigned"),
        ("X = " + "[" * 5000, "", "not Python"),
        ("X = " + "-" * 50_000 + "1", "", "nested too deeply"),
        ("X = " + "1+" * 50_000 + "1", "", "nested too deeply"),
        ("#" * 1_100_000, "", "longer than"),
    ],
)
def test_anything_else_is_an_error_with_its_place(site, source, place, words):
    message = refused(site, source, class_name="B" if "class B" in source else None)
    assert place in message
    assert words in message
    assert "hunter2" not in message


def test_an_error_says_what_to_do_instead(site):
    message = refused(site, "X = fetch()")
    assert "python manage.py shell -v 0 -c" in message
    assert "settings.X" in message


def test_files_that_cannot_be_read(tmp_path):
    for path in (tmp_path / "missing.py", tmp_path / "\x00.py"):
        assert "cannot be read" in refused(evaluate_setting, str(path), "X", environment={})
    assert "no module" in refused(evaluate_setting, "no.such.module", "X", environment={})
    assert "no module" in refused(evaluate_setting, str(tmp_path), "X", environment={})
