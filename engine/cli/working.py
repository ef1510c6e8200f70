"""What a long command is doing: a line a stage on the error stream, with a bar where the work can be counted."""

from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from engine.cli.output import err


class Working:
    """Shows stages and counts while its block runs; nothing where the error stream is no terminal."""

    def __init__(self, keep: bool = False) -> None:
        """With `keep` the stages and their seconds stay on the screen afterwards."""
        self._bars = Progress(
            SpinnerColumn(finished_text="✓"),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=10),
            TimeElapsedColumn(),
            console=err,
            transient=not keep,
            disable=not err.is_terminal or err.is_dumb_terminal,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._stage: TaskID | None = None
        self._parts: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._finish()
        self._bars.stop()

    def stage(self, name: str) -> None:
        """The stage before is done, and this one begins."""
        self._finish()
        self._stage = self._bars.add_task(name, total=None)

    def progress(self, what: str, done: int, total: int) -> None:
        """So many of the `total` texts, pictures or rows of this stage are done."""
        if what not in self._parts:
            self._parts[what] = self._bars.add_task("", total=total)
        self._bars.update(self._parts[what], description=f"  {what} {done}/{total}", completed=done, total=total)

    def counter(self, what: str) -> Callable[[int, int], None]:
        """`progress` for a function that counts one thing only."""
        return lambda done, total: self.progress(what, done, total)

    def _finish(self) -> None:
        if self._stage is not None:
            self._bars.update(self._stage, total=1, completed=1)
        self._stage = None
        self._parts = {}
