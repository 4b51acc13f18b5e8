"""Questions to a charge point about itself: at quiet moments, one call at a time, and excused where it refuses.

While a car charges at a limit that binds nothing is asked: a cut must not stand behind a question.
"""

import logging
from typing import TYPE_CHECKING, Any

from busbar_ocpp import answers
from busbar_ocpp.calls import Refused, Silent, Superseded
from busbar_ocpp.connector import Connector
from busbar_ocpp.settings import asked, keys_of, variables_of

if TYPE_CHECKING:
    from busbar_ocpp.charge_point import ChargePoint

log = logging.getLogger(__name__)

QUIET_LOOK_S = 5.0
PATIENCE_S = 600.0
"""Longest wait for a quiet moment before each question; after it the question is asked all the same."""
TAKEN = ("Accepted", "RebootRequired")


class Questions:
    """Asks one charge point, in the words of its version."""

    def __init__(self, charger: "ChargePoint") -> None:
        self._charger = charger

    @property
    def is_16(self) -> bool:
        """Whether it speaks OCPP 1.6, and not 2.0.1 or 2.1."""
        return answers.family(self._charger.version or "1.6") == "1.6"

    async def ask(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        """The answer, empty where it is refused. Waits for a quiet moment; raises Silent where none comes."""
        await self.quiet()
        try:
            async with self._charger.desk.questions:
                calls = self._charger.calls
                if calls is None:
                    raise Silent("no link")
                return await calls.ask(action, payload)
        except (Refused, Superseded) as refused:
            log.info("%s: %s refused: %s", self._charger.plan.id, action, refused)
            return {}

    async def quiet(self) -> None:
        """Wait while a car charges at a limit that binds, but not for ever."""
        clock = self._charger.desk.clock
        since_s = clock.monotonic()
        while clock.monotonic() - since_s < PATIENCE_S and any(
            _binding(one) for one in self._charger.connectors.values()
        ):
            await clock.sleep(QUIET_LOOK_S)

    async def trigger(self, message: str) -> None:
        """Ask for a message; a charger that will not send it is excused."""
        await self.ask("TriggerMessage", {"requestedMessage": message})

    async def read(self, key: str) -> str | None:
        """A setting as the charger has it; None where it does not say."""
        if self.is_16:
            return keys_of(await self.ask("GetConfiguration", {"key": [key]})).get(key)
        return variables_of(await self.ask("GetVariables", {"getVariableData": [asked(key)]})).get(key)

    async def set(self, key: str, value: str) -> bool:
        """Make one setting; whether it was taken."""
        if self.is_16:
            answer = await self.ask("ChangeConfiguration", {"key": key, "value": value})
            return answer.get("status") in TAKEN
        data = {"attributeValue": value, **asked(key)}
        results = (await self.ask("SetVariables", {"setVariableData": [data]})).get("setVariableResult") or [
            {}
        ]
        return isinstance(results[0], dict) and results[0].get("attributeStatus") in TAKEN


def _binding(connector: Connector) -> bool:
    """Whether a car takes all it is allowed."""
    drawn, told = connector.draw.most_a, connector.told_a
    return (
        connector.transaction is not None
        and bool(drawn)
        and told is not None
        and (drawn or 0.0) >= told - 1.0
    )
