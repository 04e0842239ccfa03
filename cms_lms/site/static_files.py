"""How the runnable site stores its static files where debugging is off: light, compressed, and named by their content,
so that browsers keep them for ever. Modules are imported by these names too.
"""

from __future__ import annotations

from django.core.files.base import ContentFile, File
from whitenoise.storage import CompressedManifestStaticFilesStorage

from cms_lms.site.scripts import is_lightened, lighten


class ModuleStaticFilesStorage(CompressedManifestStaticFilesStorage):
    """WhiteNoise's, which also follows the imports of ES modules, and leaves out what browsers do not need of ours."""

    support_js_module_import_aggregation = True

    def _save(self, name: str, content: File) -> str:
        if is_lightened(name):
            # Not read(): its hash was taken, which leaves it at its end.
            content = ContentFile(lighten(b"".join(content.chunks()).decode()).encode())
        return super()._save(name, content)
