"""What web service functions refuse with: the class that Moodle names, and the error code that never changes."""


class MoodleError(Exception):
    """An exception of Moodle: a plain `moodle_exception` unless a subclass says otherwise."""

    kind = "moodle_exception"

    def __init__(self, errorcode: str, message: str = "") -> None:
        super().__init__(message or f"error/{errorcode}")
        self.errorcode = errorcode


class AccessError(MoodleError):
    """Expired, from elsewhere, not in the service, or a capability is missing: Moodle does not say which."""

    kind = "webservice_access_exception"

    def __init__(self) -> None:
        super().__init__("accessexception", "Access control exception")


class InvalidParameter(MoodleError):
    """An argument is missing, unknown or of the wrong type. The reason is shown to developers alone."""

    kind = "invalid_parameter_exception"

    def __init__(self, reason: str) -> None:
        super().__init__("invalidparameter", "Invalid parameter value detected")
        self.reason = reason


class MissingRecord(MoodleError):
    """No row with that id."""

    kind = "dml_missing_record_exception"

    def __init__(self, table: str) -> None:
        super().__init__("invalidrecord", f"Can't find data record in database table {table}.")


class NoPermission(MoodleError):
    """The service user lacks a capability in that context."""

    kind = "required_capability_exception"

    def __init__(self, capability: str) -> None:
        super().__init__(
            "nopermissions", f"Sorry, but you do not currently have permissions to do that ({capability})."
        )
