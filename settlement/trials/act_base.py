"""What every act of a fault that needs more than accounts has: the trial, and a way to write its answers down.

Cost: O(1). Errors: none of its own.
"""

from collections.abc import Callable
from typing import Final

from settlement.trials.runner import Runner
from settlement.trials.weather import Act

SHOWN: Final = 4
"""Obligations under way on which a fault of a system is shown."""

Tell = Callable[[Act, str, str], None]


class ActsOf:
    """Acts of some families.

    Args:
        runner: The trial.
        tell: Writes an answer down: act, obligation (empty for a whole system), answer.

    Attributes:
        do: What is done, by family.
    """

    def __init__(self, runner: Runner, tell: Tell) -> None:
        self.runner = runner
        self.desk = runner.desk
        self.tell = tell
        self.do: dict[str, Callable[[Act], None]] = {}

    def later(self, act: Act, do: Callable[[], None]) -> None:
        """Do something when the act's stretch is over."""
        self.desk.plan(act.until_ns, do)
