"""The tables of a user: read (`readers`, `columns`), checked row by row (`sieve`), and a catalogue of what is left."""
