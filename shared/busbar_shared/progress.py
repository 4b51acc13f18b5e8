"""Bars for what lasts: on standard error, only at a terminal, and gone when it is done."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def waiting(what: str, seconds: float) -> Iterator[None]:
    """A bar that fills by itself within so many seconds, while something else works."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
    from rich.progress_bar import ProgressBar
    from rich.text import Text

    class ByTime(BarColumn):
        """As full as time has passed."""

        def render(self, task: Task) -> ProgressBar:
            return ProgressBar(
                total=seconds, completed=min(task.elapsed or 0.0, seconds), width=self.bar_width
            )

    class Left(ProgressColumn):
        """How long it still takes."""

        def render(self, task: Task) -> Text:
            return Text(f"{max(seconds - (task.elapsed or 0.0), 0.0):.0f} s")

    # Not what rich thinks of colours: a bar in a log file is no use to anybody.
    if not sys.stderr.isatty():
        yield
        return
    console = Console(stderr=True)
    with Progress(TextColumn("{task.description}"), ByTime(), Left(), console=console, transient=True) as bar:
        bar.add_task(what, total=seconds)
        yield


@contextmanager
def counting(what: str, total: float | None = None) -> Iterator[Callable[[float], None]]:
    """A bar that is told how far it is; without a total it moves until the end."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    if not sys.stderr.isatty():
        yield lambda _: None
        return
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=done)
