"""Benchmarks: ``python -m tests.bench`` prints one JSON line per figure. See docs/benchmarks.md."""
