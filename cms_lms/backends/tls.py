"""What went wrong when encryption was agreed on, in words."""

from __future__ import annotations

import ssl

from django.utils.translation import gettext as _

from cms_lms.backends.errors import LMSUnreachable

# OpenSSL's numbers (openssl/x509_vfy.h), which Python passes on as ``verify_code``.
_NOT_YET_VALID, _EXPIRED = 9, 10
_SELF_SIGNED = (18, 19)
_NO_ISSUER = (20, 21)
_WRONG_HOST = (62, 64)

#: What OpenSSL says of a server that speaks something else.
_NOT_TLS = (
    "WRONG_VERSION_NUMBER",
    "HTTP_REQUEST",
    "UNKNOWN_PROTOCOL",
    "RECORD_LAYER_FAILURE",
)
_TOO_OLD = ("UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION", "DH_KEY_TOO_SMALL", "EE_KEY_TOO_SMALL")


def tls_failure(error: BaseException, host: str) -> LMSUnreachable:
    """Return what a failed handshake means."""
    cause = _cause(error)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return _certificate_failure(cause, host)
    if isinstance(cause, TimeoutError):
        return LMSUnreachable(
            _("%(host)s accepted the connection, but did not agree on encryption in time.") % {"host": host},
            "connect_timeout",
            _("Try again. Check that the port is the one for https."),
        )
    reason = getattr(cause, "reason", None) or ""
    if reason in _NOT_TLS:
        message = _("%(host)s does not speak TLS on this port: it answers, but not encrypted.")
        fix = _("Check the port in the base URL, and that the LMS serves https there.")
    elif reason in _TOO_OLD:
        message = _("%(host)s offers only encryption that is no longer safe.")
        fix = _("Let the LMS’s web server offer TLS 1.2 or 1.3 with an up-to-date certificate.")
    else:
        message = _("%(host)s broke off while encryption was being agreed on.")
        fix = _("Check that the LMS’s web server has a certificate for this name, and serves https on this port.")
    return LMSUnreachable(message % {"host": host}, "tls", fix)


def _cause(error: BaseException) -> BaseException:
    """Return what OpenSSL or the system said; urllib3 wraps it."""
    while error.args and isinstance(error.args[0], BaseException):
        error = error.args[0]
    return error


def _certificate_failure(error: ssl.SSLCertVerificationError, host: str) -> LMSUnreachable:
    code = error.verify_code
    if code == _EXPIRED:
        message = _("The certificate of %(host)s has expired.")
        fix = _("Renew the certificate on the LMS, and see to it that it is renewed by itself.")
    elif code == _NOT_YET_VALID:
        message = _("The certificate of %(host)s is not valid yet.")
        fix = _("Check the clock of this site’s server, and the certificate on the LMS.")
    elif code in _WRONG_HOST:
        message = _("The certificate is not for %(host)s.")
        fix = _("Correct the host in the base URL, or give the LMS a certificate that names it.")
    elif code in _SELF_SIGNED:
        message = _("%(host)s has signed its certificate itself; no authority vouches for it.")
        fix = _(
            "Give the LMS a certificate of a known authority, or let the site’s operator name the certificate to trust "
            "in the setting CMS_LMS_CA_BUNDLE."
        )
    elif code in _NO_ISSUER:
        message = _("The certificate of %(host)s comes from an authority that is not known here.")
        fix = _(
            "Let the LMS’s web server send the intermediate certificates too. If the authority is your own, the site’s "
            "operator names it in the setting CMS_LMS_CA_BUNDLE."
        )
    else:
        message = _("The certificate of %(host)s is not accepted: %(reason)s.")
        fix = _("Give the LMS a certificate of a known authority.")
    return LMSUnreachable(message % {"host": host, "reason": error.verify_message}, "tls", fix)
