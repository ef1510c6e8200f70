"""Rules at work: read from a file (`rulefile`), bound to items (`book`), checked (`conflicts`), tried out (`trial`)."""
