"""The error of this floor."""


class GraphError(ValueError):
    """The graph cannot do what was asked; the message says what is wrong and what to do about it."""
