"""Rules at work: read from a file (`rulefile`), bound to items (`book`), in `lists`, and accused (`conflicts`)."""
