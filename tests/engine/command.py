"""The command `weft`, run within the test."""

from typer.testing import CliRunner, Result

from engine.cli import app


def weft(*arguments: object) -> Result:
    """The command, within this process: an error that is not handled fails the test with its traceback."""
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done
