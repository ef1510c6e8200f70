"""Commands about the keys of the service."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from engine.cli.output import Polite, example, say, show, warn

Name = Annotated[str, typer.Argument(metavar="NAME", help="Whose key it is: it stands in the logs.")]
File = Annotated[Path, typer.Option("--keys", help="The file of keys, as for `weft serve`.")]
FILE = Path("keys.json")

app = typer.Typer(
    cls=Polite, no_args_is_help=True, rich_markup_mode=None, help="Make, list and revoke keys of the service."
)


@app.command(epilog=example("weft keys add shop --scope write", "weft keys add dashboard --keys /etc/weft/keys.json"))
def add(
    name: Name,
    scope: Annotated[
        Literal["read", "write", "admin"],
        typer.Option(help="read asks; write sends events and changes items, too; admin also erases users."),
    ] = "read",
    keys: File = FILE,
) -> None:
    """Make a key and print it: it is shown this once, and only its hash is kept.

    A service that runs takes it from its next request on.
    """
    from engine.service import keys as ring

    made = ring.add(keys, name, scope)
    warn(f"the key {name} of scope {scope} is in {keys}, as a hash; this is the only time it is shown:")
    say(made)


@app.command("list", epilog=example("weft keys list --keys keys.json"))
def list_(keys: File = FILE) -> None:
    """List the names of the keys, their scopes, and when they were made."""
    from engine.service import keys as ring

    found = ring.read(keys)
    show(("name", "scope", "made"), [(key.name, key.scope, key.created.isoformat()) for key in found])
    if not found:
        say("no keys")


@app.command(epilog=example("weft keys revoke dashboard"))
def revoke(name: Name, keys: File = FILE) -> None:
    """Take a key out of the file; a service that runs refuses it from its next request on."""
    from engine.service import keys as ring

    ring.revoke(keys, name)
    say(f"the key {name} is revoked")
