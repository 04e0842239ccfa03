"""The benchmarks run and print what docs/benchmarks.md explains."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent

KEYS = {
    "name",
    "value",
    "unit",
    "minimum",
    "queries",
    "target",
    "ratio_to_floor",
    "met",
    "database",
    "database_version",
    "cores",
    "repeat",
}


def bench(*arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "tests.bench", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.long
def test_each_figure_is_one_json_line():
    done = bench("--repeat", "1", "--database", "sqlite", "selection")
    assert done.returncode == 0, done.stderr
    figures = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(figure.keys() == KEYS for figure in figures)
    assert {figure["database"] for figure in figures} == {"sqlite"}
    assert len([figure for figure in figures if figure["name"].startswith("select_lms")]) == 12
    assert {figure["queries"] for figure in figures if figure["name"].startswith("check")} == {1}


@pytest.mark.long
def test_the_tester_answers_with_as_many_queries_for_many_urls_as_for_few():
    done = bench("--repeat", "1", "--database", "sqlite", "tester")
    assert done.returncode == 0, done.stderr
    figures = [json.loads(line) for line in done.stdout.splitlines()]
    queries = {figure["name"].rpartition(", ")[2]: figure["queries"] for figure in figures}
    # One that nothing matches needs neither course nor alias.
    assert queries["urls=1"] <= queries["urls=50"] == queries["urls=200"] == 7
    assert len([figure for figure in figures if figure["name"].startswith("slowest match")]) == 3


@pytest.mark.long
def test_the_impact_on_a_hundred_thousand_runs_is_there_in_two_seconds_and_constant_memory():
    done = bench("--repeat", "1", "--database", "sqlite", "--check", "impact")
    assert done.returncode == 0, done.stderr
    figures = [json.loads(line) for line in done.stdout.splitlines()]
    assert len([figure for figure in figures if figure["target"] == "< 2 s" and figure["met"]]) == 4
    assert len([figure for figure in figures if "peak of Python" in figure["name"] and figure["met"]]) == 2


@pytest.mark.long
def test_the_web_hook_asks_as_many_queries_with_ten_thousand_courses_as_with_ten():
    done = bench("--repeat", "1", "--database", "sqlite", "webhook")
    assert done.returncode == 0, done.stderr
    queries: dict[str, set[int]] = {}
    for figure in map(json.loads, done.stdout.splitlines()):
        kind, separator, _courses = figure["name"].partition(", courses=")
        if separator and not figure["name"].endswith("after the answer"):
            queries.setdefault(kind, set()).add(figure["queries"])
    assert {kind for kind, counts in queries.items() if len(counts) > 1} == set()
    assert "list of 1000 public updates" in queries


@pytest.mark.parametrize("arguments", [["nonsense"], ["--repeat", "0"], ["--database", "oracle"]])
def test_wrong_arguments_are_refused_in_words(arguments):
    done = bench(*arguments)
    assert done.returncode == 2
    assert "usage:" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_server_that_does_not_answer_is_said_in_words():
    done = bench("--database", "postgresql", "--server", "postgres://postgres@127.0.0.1:1", "selection")
    assert done.returncode == 1
    assert done.stderr.startswith("postgresql is not measured: no PostgreSQL answers at ")
    assert "Traceback" not in done.stderr
