"""What can be asked over HTTP, one file a subject.

The functions are plain ones, so they run in threads: answers are computed.
"""
