"""A Shelly of generation 2 or later with one metered switch.

Shapes: Shelly Gen2 API documentation ("MQTT", "Switch"), captures in ioBroker.shelly issues 1592 and 1594
(partial NotifyStatus, the answer to Switch.Set on `<src>/rpc`) and home-assistant/core issue 139105 (timers).
"""

from datetime import datetime
from typing import Any

from .message import Message, Switched, amps, json_text, read_json

NOTICED_W = 2.0


class Shelly2:
    """One switch component. Status notifications are off unless `tells_status`, as from the factory."""

    def __init__(self, prefix: str, thing: Switched, *, channel: int = 0, tells_status: bool = False) -> None:
        self.prefix, self.thing, self.channel, self.tells_status = prefix, thing, channel, tells_status
        self._off_at_s: float | None = None
        self._timer_to = False
        self._timer: dict[str, float] = {}
        self._source = "init"
        self._told_w = 0.0
        self._told_minute: int | None = None
        self._told_on = thing.on

    @property
    def hears(self) -> tuple[str, ...]:
        """Requests and plain commands."""
        return (
            f"{self.prefix}/rpc",
            f"{self.prefix}/command/switch:{self.channel}",
            f"{self.prefix}/command",
        )

    def greet(self, at: datetime) -> list[Message]:
        """Online, retained, then everything it knows (NotifyFullStatus, as captured with mqtt connected)."""
        params: dict[str, Any] = {"ts": round(at.timestamp(), 2), "ble": {}, "cloud": {"connected": False}}
        params |= {"mqtt": {"connected": True}, f"switch:{self.channel}": self._full(at)}
        frame = {
            "src": self.prefix,
            "dst": f"{self.prefix}/events",
            "method": "NotifyFullStatus",
            "params": params,
        }
        return [
            Message(topic=f"{self.prefix}/online", payload="true", retain=True),
            Message(topic=f"{self.prefix}/events/rpc", payload=json_text(frame)),
        ]

    def leave(self) -> list[Message]:
        """What its last will would say."""
        return [Message(topic=f"{self.prefix}/online", payload="false", retain=True)]

    def hear(self, topic: str, payload: bytes, now_s: float, at: datetime) -> list[Message]:
        """A request with an answer, or a plain word without one."""
        if topic.endswith("/rpc"):
            return self._request(read_json(payload), now_s, at)
        word, _, after = payload.decode("utf-8", "replace").partition(",")
        if word == "status_update":
            return self._status(at)
        if word in ("on", "off", "toggle"):
            wanted = not self.thing.on if word == "toggle" else word == "on"
            return self._switch(wanted, float(after) if after.isdigit() else None, "MQTT", now_s, at)
        return []

    def step(self, now_s: float, at: datetime) -> list[Message]:
        """Its timer, its button, a changed power, and energy each full minute."""
        said: list[Message] = []
        if self.thing.on != self._told_on:
            # Somebody pressed the button.
            self.thing.on = self._told_on
            said += self._switch(not self._told_on, None, "button", now_s, at)
        if self._off_at_s is not None and now_s >= self._off_at_s:
            said += self._switch(self._timer_to, None, "timer", now_s, at)
        if abs(self.thing.power_w - self._told_w) >= max(NOTICED_W, 0.02 * self._told_w):
            self._told_w = self.thing.power_w
            change = {"apower": round(self.thing.power_w, 1), "current": amps(self.thing.power_w)}
            said.append(self._notify(change, at))
        minute = int(at.timestamp() // 60)
        if self._told_minute is not None and minute != self._told_minute:
            energy = {"aenergy": self._energy(at), "apower": round(self.thing.power_w, 1)}
            said.append(self._notify(energy, at))
        self._told_minute = minute
        return said

    def _request(self, frame: Any, now_s: float, at: datetime) -> list[Message]:
        if not isinstance(frame, dict) or not isinstance(frame.get("src"), str) or "method" not in frame:
            return []
        given = frame.get("params")
        params: dict[str, Any] = given if isinstance(given, dict) else {}
        method, said = frame["method"], []
        answer: dict[str, Any]
        if method not in ("Switch.Set", "Switch.Toggle", "Switch.GetStatus", "Shelly.GetStatus"):
            answer = {"error": {"code": 404, "message": f"No handler for {method}"}}
        elif method != "Shelly.GetStatus" and params.get("id") != self.channel:
            answer = {
                "error": {"code": -105, "message": f"Argument 'id', value {params.get('id')} not found!"}
            }
        elif method == "Switch.GetStatus":
            answer = {"result": self._full(at)}
        elif method == "Shelly.GetStatus":
            answer = {"result": {f"switch:{self.channel}": self._full(at)}}
        elif method == "Switch.Set" and not isinstance(params.get("on"), bool):
            answer = {"error": {"code": -103, "message": "Missing required argument 'on'!"}}
        else:
            wanted = params["on"] if method == "Switch.Set" else not self.thing.on
            after = params.get("toggle_after")
            answer = {"result": {"was_on": self.thing.on}}
            said = self._switch(
                wanted, float(after) if isinstance(after, int | float) else None, "MQTT", now_s, at
            )
        reply = {"id": frame.get("id"), "src": self.prefix, "dst": frame["src"]} | answer
        return [Message(topic=f"{frame['src']}/rpc", payload=json_text(reply), qos=1), *said]

    def _switch(
        self, on: bool, after_s: float | None, source: str, now_s: float, at: datetime
    ) -> list[Message]:
        """Move the relay; any switching ends a timer, `toggle_after` starts one that turns it back."""
        changed, self.thing.on, self._source = on != self.thing.on, on, source
        self._told_on = on
        had_timer, self._off_at_s, self._timer = bool(self._timer), None, {}
        if after_s is not None and after_s > 0:
            self._off_at_s, self._timer_to = now_s + after_s, not on
            self._timer = {"timer_started_at": round(at.timestamp(), 2), "timer_duration": after_s}
        if not changed and not self._timer and not had_timer:
            return []
        partial: dict[str, Any] = {"output": on, "source": source} | self._timer
        return [self._notify(partial, at), *(self._status(at) if self.tells_status else [])]

    def _notify(self, part: dict[str, Any], at: datetime) -> Message:
        component = {"id": self.channel} | part
        frame = {
            "src": self.prefix,
            "dst": f"{self.prefix}/events",
            "method": "NotifyStatus",
            "params": {"ts": round(at.timestamp(), 2), f"switch:{self.channel}": component},
        }
        return Message(topic=f"{self.prefix}/events/rpc", payload=json_text(frame))

    def _status(self, at: datetime) -> list[Message]:
        return [
            Message(topic=f"{self.prefix}/status/switch:{self.channel}", payload=json_text(self._full(at)))
        ]

    def _full(self, at: datetime) -> dict[str, Any]:
        return {
            "id": self.channel,
            "source": self._source,
            "output": self.thing.on,
            **self._timer,
            "apower": round(self.thing.power_w, 1),
            "voltage": 230.1,
            "current": amps(self.thing.power_w),
            "aenergy": self._energy(at),
            "temperature": {"tC": 44.4, "tF": 112.0},
        }

    def _energy(self, at: datetime) -> dict[str, Any]:
        minute = int(at.timestamp() // 60) * 60
        return {"total": round(self.thing.energy_wh, 3), "by_minute": [0.0, 0.0, 0.0], "minute_ts": minute}
