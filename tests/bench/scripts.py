"""What the scripts of a page with panels weigh, for each JS backend of the app."""

from __future__ import annotations

from cms_lms.conf import Settings
from tests.bench.measure import Figure, Report
from tests.script_weight import LIMIT_BYTES, compressed_bytes, modules_of, page_weights


def measure_scripts(report: Report) -> None:
    """Report each module's weight, and that of all that a page loads."""
    backends = {name: entry["module"] for name, entry in Settings.DEFAULTS["JS_BACKENDS"].items()}
    for module in sorted(modules_of(["cms_lms/js/lms-enrollment.js", "cms_lms/js/lms-session.js", *backends.values()])):
        report.add(Figure(f"script {module.removeprefix('cms_lms/js/')}", compressed_bytes(module), "bytes"))
    for name, module in backends.items():
        total = sum(page_weights(module).values())
        report.add(
            Figure(
                f"all scripts of a page with panels, {name}",
                total,
                "bytes",
                target=f"≤ {LIMIT_BYTES} bytes",
                is_met=total <= LIMIT_BYTES,
            )
        )
