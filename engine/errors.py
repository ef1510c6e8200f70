"""Errors that a person can act on. The command line prints their message and leaves with code 2; no traceback."""


class WeftError(Exception):
    """Root of every error that Weft raises on purpose."""


class ConfigError(WeftError):
    """The configuration file is missing, unreadable, or has a wrong key or value."""


class DataError(WeftError):
    """A table as a whole cannot be used; single bad rows are rejected and reported instead."""


class ArtifactError(WeftError):
    """An artefact is damaged, of another format version, or does not fit what it is asked."""


class UnknownIdError(WeftError):
    """A user or item id that the engine does not know."""
