"""Lists that are less alike, or nearer to what a history is made of: docs/diversity.md."""
