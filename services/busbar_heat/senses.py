"""What is known of a heater from its topics or from the plug that switches it, each value with its own age."""

from busbar_contracts.load import PlugState
from busbar_heat.sample import Sample, fresh
from busbar_heat.setup import Sensors
from busbar_heat.thermometer import Thermometer
from busbar_shared.device_message import DeviceMessage
from busbar_shared.notes import Note
from busbar_shared.payloads import ENERGY_WH, POWER_W, TEMPERATURE_C


class Senses:
    """The values of one heater."""

    def __init__(self, heater: str, sensors: Sensors) -> None:
        self.heater = heater
        self.sensors = sensors
        self.thermometer = Thermometer()
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
        one, sensors = DeviceMessage(topic, payload), self.sensors
        notes = [] if retained else self._hear_measured(one, now_s)
        target = one.number(sensors.target, "target", TEMPERATURE_C)
        if target is not None:
            self.target_c, self.target_at_s = target, now_s
        said = one.word(sensors.mode, "device_mode")
        self.mode = self.mode if said is None else said
        here = one.word(sensors.presence, "availability")
        if here is not None:
            self.present = here.strip().lower() not in (self.sensors.absent.lower(), "false", "0")
        return notes + [
            Note(problem.code, f"{self.heater}: {topic}: {problem.text}", problem.path)
            for problem in one.problems
        ]

    @property
    def temperature(self) -> Sample | None:
        """The last good temperature, however old."""
        return self.thermometer.good

    def hear_plug(self, state: PlugState, now_s: float, age_s: float) -> None:
        """The plug that switches the heater; its power is as old as it says itself."""
        self.plug, self.plug_at_s = state, now_s
        self.on = state.on if state.link else None
        self.present = state.link
        if state.power_w is not None:
            self.power = Sample(state.power_w, now_s - max(age_s, 0.0))
        if state.energy_wh is not None:
            self.energy = Sample(state.energy_wh, now_s - max(age_s, 0.0))

    def celsius(
        self, now_s: float, max_age_s: float, *, on_since_s: float | None, around_c: float
    ) -> float | None:
        """The temperature while it can be believed: young enough, and from a thermometer that does not hang."""
        if self.thermometer.is_stuck(now_s, on_since_s, self.around_c(now_s, around_c)):
            return None
        return self.thermometer.believed(now_s, max_age_s)

    def around_c(self, now_s: float, default_c: float) -> float:
        """The temperature of the surroundings, as measured within the hour or as configured."""
        measured = fresh(self.around, now_s, 3600.0)
        return default_c if measured is None else measured

    def _hear_measured(self, one: DeviceMessage, now_s: float) -> list[Note]:
        sensors = self.sensors
        celsius = one.number(sensors.temperature, "temperature", TEMPERATURE_C)
        doubt = None if celsius is None else self.thermometer.says(celsius, now_s)
        power = one.number(sensors.power, "power", POWER_W)
        self.power = self.power if power is None else Sample(power, now_s)
        energy = one.number(sensors.energy, "energy", ENERGY_WH)
        self.energy = self.energy if energy is None else Sample(energy, now_s)
        around = one.number(sensors.around, "ambient", TEMPERATURE_C)
        self.around = self.around if around is None else Sample(around, now_s)
        on = one.switch(sensors.on, "on")
        self.on = self.on if on is None else on
        return (
            [] if doubt is None else [Note("temperature_doubtful", f"{self.heater}: {doubt}", "temperature")]
        )
