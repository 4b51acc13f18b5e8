"""What is known of a heater from its topics or from the plug that switches it, each value with its own age."""

from typing import Any, Final

from busbar_contracts.load import PlugState
from busbar_heat import readings
from busbar_heat.readings import Doubt, Place, Sample
from busbar_heat.setup import Sensors
from busbar_shared.notes import Note

STUCK_S: Final = 7200.0
"""A heater that ran so long without moving the last digit of its thermometer has a thermometer that hangs."""


class Senses:
    """The values of one heater."""

    def __init__(self, heater: str, sensors: Sensors) -> None:
        self.heater = heater
        self.sensors = sensors
        self.temperature: Sample | None = None
        self.same_since_s: float | None = None
        self.hangs = False
        self.power: Sample | None = None
        self.energy: Sample | None = None
        self.around: Sample | None = None
        self.on: bool | None = None
        self.target_c: float | None = None
        self.target_at_s: float | None = None
        self.mode: str | None = None
        self.present: bool | None = None
        self.plug: PlugState | None = None
        self.plug_at_s: float | None = None

    def hear(self, topic: str, payload: bytes, now_s: float, *, retained: bool = False) -> list[Note]:
        """One message; several values may live in it. A retained one says only what stays true: set-point, mode, presence."""
        notes: list[Note] = []
        one = _One(self.heater, topic, payload, notes)
        sensors = self.sensors
        if not retained:
            celsius = one.number(sensors.temperature, "temperature", readings.TEMPERATURE_C)
            if celsius is not None:
                self._temperature(celsius, now_s)
            power = one.number(sensors.power, "power", readings.POWER_W, sensors.power_factor)
            self.power = self.power if power is None else Sample(power, now_s)
            energy = one.number(sensors.energy, "energy", readings.ENERGY_WH, sensors.energy_factor)
            self.energy = self.energy if energy is None else Sample(energy, now_s)
            around = one.number(sensors.around, "ambient", readings.TEMPERATURE_C)
            self.around = self.around if around is None else Sample(around, now_s)
            on = one.switch(sensors.on, "on")
            self.on = self.on if on is None else on
        target = one.number(sensors.target, "target", readings.TEMPERATURE_C)
        if target is not None:
            self.target_c, self.target_at_s = target, now_s
        said = one.word(sensors.mode, "device_mode")
        self.mode = self.mode if said is None else said
        here = one.word(sensors.presence, "availability")
        if here is not None:
            self.present = here.strip().lower() not in (self.sensors.absent.lower(), "false", "0")
        return notes

    def hear_plug(self, state: PlugState, now_s: float, age_s: float) -> None:
        """The plug that switches the heater; its power is as old as it says itself."""
        self.plug, self.plug_at_s = state, now_s
        self.on = state.on if state.link else None
        self.present = state.link
        if state.power_w is not None:
            self.power = Sample(state.power_w, now_s - max(age_s, 0.0))
        if state.energy_wh is not None:
            self.energy = Sample(state.energy_wh, now_s - max(age_s, 0.0))

    def celsius(self, now_s: float, max_age_s: float, *, on_since_s: float | None) -> float | None:
        """The temperature while it can be believed: young enough, and not hanging while the heater runs."""
        if self.is_stuck(now_s, on_since_s):
            return None
        return readings.fresh(self.temperature, now_s, max_age_s)

    def is_stuck(self, now_s: float, on_since_s: float | None) -> bool:
        """The heater has been on for hours and the thermometer repeats the very same number.

        It stays so when the heater is off again, until the number moves.
        """
        if on_since_s is not None and self.same_since_s is not None:
            self.hangs = self.hangs or now_s - max(self.same_since_s, on_since_s) > STUCK_S
        return self.hangs

    def around_c(self, now_s: float, default_c: float) -> float:
        """The temperature of the surroundings, as measured within the hour or as configured."""
        measured = readings.fresh(self.around, now_s, 3600.0)
        return default_c if measured is None else measured

    def _temperature(self, celsius: float, now_s: float) -> None:
        if self.temperature is None or celsius != self.temperature.value:
            self.same_since_s, self.hangs = now_s, False
        self.temperature = Sample(celsius, now_s)


class _One:
    """One message, asked for several values."""

    def __init__(self, heater: str, topic: str, payload: bytes, notes: list[Note]) -> None:
        self.heater, self.topic, self.payload, self.notes = heater, topic, payload, notes

    def number(
        self, place: Place | None, name: str, bounds: tuple[float, float], factor: float = 1.0
    ) -> float | None:
        if place is None or place.topic != self.topic:
            return None
        value: float | None = self._kept(readings.number(self.payload, place, bounds, factor), name)
        return value

    def switch(self, place: Place | None, name: str) -> bool | None:
        if place is None or place.topic != self.topic:
            return None
        value: bool | None = self._kept(readings.switch(self.payload, place), name)
        return value

    def word(self, place: Place | None, name: str) -> str | None:
        if place is None or place.topic != self.topic:
            return None
        value: str | None = self._kept(readings.word(self.payload, place), name)
        return value

    def _kept(self, value: Any, name: str) -> Any:
        if isinstance(value, Doubt):
            text = f"{self.heater}: {name} on {self.topic}: {value.text}"
            if all(note.text != text for note in self.notes):
                self.notes.append(Note(value.code, text, path=name))
            return None
        return value
