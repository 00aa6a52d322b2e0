from typing import Optional


class FiresteelError(Exception):
    """An error of the firesteel program, with its message.

    ``exit_code`` is that of the program, or None if it did not run.
    """

    def __init__(self, message: str, exit_code: Optional[int] = None):
        super().__init__(message)
        self.exit_code = exit_code


class UsageError(FiresteelError, ValueError):
    """An argument is wrong, such as a column that the frame does not have."""


class IncompleteWarning(UserWarning):
    """Rows have no answer, because of errors or of a budget. ``errors=`` names a
    column for the reasons."""
