"""Errors of the encoders."""


class EncoderError(ValueError):
    """An encoder cannot be opened, or its weights or vectors are not what they should be."""


class ContentError(ValueError):
    """A file that cannot be used; the message is the reason."""


class PictureError(ContentError):
    """A picture that cannot be used."""
