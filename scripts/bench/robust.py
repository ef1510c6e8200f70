"""How Weft stands noise and attacks: python scripts/bench/robust.py queries|pictures|items|users [options].

`queries` are mistyped and oddly written, `pictures` badly taken or attacked, `items` made to be found, `users` made up
to push an item. What each measures, and its options, is said by `robust.py PART --help`; docs/robustness.md has the
figures.
"""

import sys

import robust_items
import robust_pictures
import robust_queries
import robust_users

PARTS = {"queries": robust_queries, "pictures": robust_pictures, "items": robust_items, "users": robust_users}


def main() -> None:
    if len(sys.argv) < 2 or sys.argv[1] not in PARTS:
        sys.exit(__doc__)
    PARTS[sys.argv.pop(1)].main()


if __name__ == "__main__":
    main()
