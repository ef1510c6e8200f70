"""Settings of the whole suite."""

from hypothesis import settings

# A busy machine is no failure: examples have no time limit.
settings.register_profile("weft", deadline=None)
settings.load_profile("weft")
