"""How the runnable site stores its static files where debugging is off: compressed, and named by their content, so that
browsers keep them for ever. Modules are imported by these names too.
"""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class ModuleStaticFilesStorage(CompressedManifestStaticFilesStorage):
    """WhiteNoise's, which also follows the imports of ES modules."""

    support_js_module_import_aggregation = True
