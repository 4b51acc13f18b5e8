"""The broker's accounts: who may write what, from the contract's writer column and the site. Pure.

A service may write its own topics and nothing else. Reading is open below the site's root: every
decision of Busbar is meant to be seen, and no topic carries a secret.
"""

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from busbar_cli.foreign import Foreign, foreign
from busbar_contracts.battery import BatterySettings
from busbar_contracts.chargeamps import ScheduleClear, ScheduleSet
from busbar_contracts.load import PlugSwitch
from busbar_contracts.topic import Topic
from busbar_contracts.topics import TOPICS, topic_of
from busbar_shared.config.root import SERVICES, Site
from busbar_shared.config.services import BatteryFlowSection
from busbar_shared.discovery.payload import birth_topics

OWNER = "owner"
DEVICES = "devices"
"""Meters, plugs and sensors that speak MQTT themselves."""

# mosquitto's own format, as mosquitto_passwd of version 2 writes it: $7$iterations$salt$hash, PBKDF2 with SHA-512,
# 12 bytes of salt (mosquitto 2.0, src/password_mosq.h: a salt of another length is refused).
SALT_BYTES = 12
ITERATIONS = 1000


class Account(Struct, frozen=True, kw_only=True):
    """One login at the broker."""

    name: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]


def accounts(site: Site) -> tuple[Account, ...]:
    """Every account of a site: one for each service, one for people and Home Assistant, one for devices.

    Raises BadConfig where a service would refuse the site.
    """
    root, prefix = site.site.topic_root, site.broker.discovery_prefix.strip("/")
    devices = {name: _outside(one, root) for name, one in foreign(site).items()}
    births = birth_topics(prefix)
    made = [
        Account(
            name=name,
            reads=(
                f"{root}/#",
                f"{prefix}/#",
                *(one for one in births if not one.startswith(f"{prefix}/")),
                *_hears(site, name, devices),
            ),
            writes=_once(
                [*_own(site, name), *_shown(root, prefix, name), *devices.get(name, Foreign()).says]
                + (_played(devices) if name == "simulator" else [])
            ),
        )
        for name in SERVICES
    ]
    said = [topic for one in devices.values() for topic in one.says]
    heard = [topic for one in devices.values() for topic in one.hears]
    bench = f"busbar-simulator/{site.site.id}/wish"
    made.append(
        Account(
            name=OWNER,
            # On a broker of their own people hear everything; on one that sites share, their own site.
            reads=("#", "$SYS/#")
            if login(site, OWNER) == OWNER
            else _once([f"{root}/#", f"{prefix}/#", *births, *said, *heard, *_charge_amps_root(site)]),
            # What people and Home Assistant say to their own devices was never Busbar's to forbid.
            writes=_once([*_own(site, OWNER), *births, *said, *([bench] if site.simulator else [])]),
        )
    )
    made.append(
        Account(
            name=DEVICES,
            reads=_once([*said, *_bridges(site), *births]),
            writes=_once([*heard, *_bridges(site)]),
        )
    )
    return tuple(made)


def acl_text(site: Site, more: str = "") -> str:
    """The broker's access list. `more` is what the owner added by hand; it comes last and is kept as it is."""
    lines = ["# Who may write what on this broker. Made from the contract; do not edit: use acl.local.", ""]
    for account in accounts(site):
        lines.append(f"user {login(site, account.name)}")
        lines += [f"topic read {topic}" for topic in account.reads if topic not in account.writes]
        lines += [
            f"topic {'readwrite' if topic in account.reads else 'write'} {topic}" for topic in account.writes
        ]
        lines.append("")
    text = "\n".join(lines)
    return f"{text}# From acl.local:\n{more.strip()}\n" if more.strip() else text


def login(site: Site, account: str) -> str:
    """The name with which this account logs in: `oak-{service}` keeps the sites of one broker apart."""
    name = site.broker.username or ""
    return name.replace("{service}", account) if "{service}" in name else account


def hashed(password: str, salt: bytes) -> str:
    """What stands for this password in the broker's file; the salt is 12 random bytes."""
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ITERATIONS)
    return f"$7${ITERATIONS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def matches(password: str, stored: str) -> bool:
    """Whether this is the password of that hash; a hash that cannot be read matches nothing."""
    try:
        _, kind, iterations, salt, digest = stored.split("$")
        wanted = base64.b64decode(digest, validate=True)
        made = hashlib.pbkdf2_hmac(
            "sha512", password.encode(), base64.b64decode(salt, validate=True), int(iterations)
        )
    except ValueError:
        return False
    return kind == "7" and made == wanted


def reference() -> Site:
    """A site without devices, for the access list that is in the repository."""
    return Site(battery_flow=BatteryFlowSection())


def password_lines(passwords: Mapping[str, str], salts: Mapping[str, bytes]) -> str:
    """The broker's password file."""
    return "".join(f"{name}:{hashed(word, salts[name])}\n" for name, word in passwords.items())


def _own(site: Site, name: str) -> Iterator[str]:
    """The topics of the contract that this account writes."""
    for topic in TOPICS:
        # What each service has of its own is named after it and comes from `_shown`.
        if name in _writers(site, topic):
            yield from _filters(site, topic, name)


def _writers(site: Site, topic: Topic) -> tuple[str, ...]:
    """Who writes it on this site; more than the contract's one only where the contract's text says so."""
    writers = [topic.writer]
    if topic is topic_of(BatterySettings) and site.battery_flow is None:
        writers = ["allocator"]  # the one writer where no battery service is configured
    if topic is topic_of(PlugSwitch):
        writers.append("heat")  # a tank or heat pump that is switched by a plug
    publishes = site.chargeamps is not None and site.chargeamps.publisher == "allocator"
    if publishes and topic.message in (ScheduleSet, ScheduleClear):
        writers.append("chargeamps")
    return tuple(writers)


def _filters(site: Site, topic: Topic, writer: str) -> Iterator[str]:
    root = site.site.topic_root
    if topic is topic_of(PlugSwitch):
        # The heat service switches its own plugs, the allocator those that are loads.
        names = _plugs_of_heaters(site) if writer == "heat" else ["+"]
        yield from (f"{root}/plug/{name}/switch/set" for name in names)
    elif topic.address.startswith("hems/charge-amps/"):
        yield from _charge_amps(site, topic)
    else:
        yield root + topic.filter.removeprefix("hems")


def _charge_amps(site: Site, topic: Topic) -> Iterator[str]:
    own = site.chargeamps.topic_root if site.chargeamps is not None else None
    root = own or f"{site.site.topic_root}/charge-amps"
    rest = topic.filter.removeprefix("hems/charge-amps")
    yield root + rest
    aliases = site.chargeamps.connectors.values() if site.chargeamps is not None else ()
    yield from (f"{root}/{one.alias}{rest}" for one in aliases if one.alias)


def _shown(root: str, prefix: str, name: str) -> tuple[str, ...]:
    """What every service has of its own: its life, its events, and its pages in Home Assistant."""
    return (
        f"{root}/service/{name}/status",
        f"{root}/service/{name}/event",
        *(f"{root}/ha/+/{what}" for what in ("state", "event", "availability")),
        f"{prefix}/+/+/config",
        f"{prefix}/+/+/+/config",
    )


def _hears(site: Site, name: str, devices: Mapping[str, Foreign]) -> tuple[str, ...]:
    if name == "simulator":
        said = [topic for one in devices.values() for topic in one.says]
        return _once([*said, *_bridges(site), f"busbar-simulator/{site.site.id}/wish"])
    own = devices.get(name, Foreign()).hears
    # The allocator hears when a window opens, wherever that is said.
    return (*own, *_charge_amps_root(site)) if name in ("chargeamps", "allocator") else own


def _charge_amps_root(site: Site) -> tuple[str, ...]:
    """Where the contract with the Charge Amps scheduler is, if its root is not the site's."""
    own = site.chargeamps.topic_root if site.chargeamps is not None else None
    return (f"{own}/#",) if own else ()


def _played(devices: Mapping[str, Foreign]) -> list[str]:
    """The simulator plays the devices, so it says what they say."""
    return [topic for one in devices.values() for topic in one.hears]


def _bridges(site: Site) -> list[str]:
    """A Zigbee2MQTT bridge speaks for all its devices at once."""
    return [f"{one.base_topic}/#" for one in site.plugs.values() if one.driver == "zigbee2mqtt"]


def _plugs_of_heaters(site: Site) -> list[str]:
    named = [heater.plug for heater in site.heaters.values()]
    named += [heater.topics.get(key) for heater in site.heaters.values() for key in ("plug_a", "plug_b")]
    return [name for name in named if isinstance(name, str) and re.fullmatch(r"[a-z0-9_-]+", name)]


def _outside(found: Foreign, root: str) -> Foreign:
    """Without what lies below our own root: a device's topic in the configuration opens none of ours."""
    return Foreign(
        hears=tuple(topic for topic in found.hears if not topic.startswith(f"{root}/")),
        says=tuple(topic for topic in found.says if not topic.startswith(f"{root}/")),
    )


def _once(topics: Iterable[str]) -> tuple[str, ...]:
    # A line break or a blank at the end would begin a line of the owner's choosing in the broker's file.
    return tuple(dict.fromkeys(topic for topic in topics if topic == topic.strip() and topic.isprintable()))
