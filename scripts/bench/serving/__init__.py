"""Parts of scripts/bench/serve.py."""
