"""What a look at a running site finds, and what to do about it. Pure: facts in, findings out."""

from collections.abc import Iterator

from busbar_cli.doctor_current import background, chargers, leases, meter
from busbar_cli.doctor_facts import Facts, Finding, bad, good, note
from busbar_shared.config.root import Site
from busbar_shared.rivals import FRESH_S

CLOCK_BAD_S = 5.0
CERTIFICATE_SOON_DAYS = 60.0


def findings(site: Site, facts: Facts) -> list[Finding]:
    """Everything that was looked at, in the order in which it is best mended."""
    if facts.broker:
        todo = f"start it, or correct [broker] (now {site.broker.host}:{site.broker.port})"
        return [bad("broker", facts.broker, todo), *_certificates(facts)]
    return [
        good("broker", f"{site.broker.host}:{site.broker.port} answers"),
        *_certificates(facts),
        *_logins(facts),
        *_services(site, facts),
        *_clocks(facts),
        *_ports(facts),
        *meter(site, facts),
        *chargers(site, facts),
        *leases(site, facts),
        *background(site, facts),
    ]


def _logins(facts: Facts) -> Iterator[Finding]:
    for name, wrong in facts.logins.items():
        if wrong:
            yield bad(
                f"account {name}", wrong, "run `busbar accounts` and have the broker read its files again"
            )
    let_in = [name for name, wrong in facts.logins.items() if not wrong]
    if let_in:
        yield good("accounts", f"{', '.join(let_in)} log in, and what they say arrives")


def _services(site: Site, facts: Facts) -> Iterator[Finding]:
    for name in site.services():
        seen = facts.statuses.get(name)
        if seen is None:
            yield bad(f"service {name}", "was never seen", f"start it: busbar run {name}")
            continue
        age_s = (facts.now - seen.at).total_seconds() + facts.skews_s.get(name, 0.0)
        if seen.state == "offline":
            yield bad(
                f"service {name}",
                f"is offline since {_ago(age_s)}",
                f"start it, and look at the log of {name}",
            )
        elif age_s > FRESH_S:
            yield bad(
                f"service {name}", f"has been silent for {age_s:.0f} s", f"restart it: busbar restart {name}"
            )
        elif seen.passive:
            yield bad(f"service {name}", "gives way to an older instance of its role", "stop one of the two")
        elif not seen.ready:
            yield bad(
                f"service {name}",
                "runs, but lacks what it needs",
                f"the other findings, or the log of {name}",
            )
        elif seen.dropped:
            yield note(
                f"service {name}", f"{seen.dropped} messages were dropped since its start", "look at the load"
            )
        else:
            yield good(f"service {name}", f"is online, version {seen.version}")


def _clocks(facts: Facts) -> Iterator[Finding]:
    for name, skew_s in facts.skews_s.items():
        if abs(skew_s) > CLOCK_BAD_S:
            yield bad(
                "clock",
                f"the clock of {name} is {skew_s:+.0f} s against this machine's",
                "let both follow NTP",
            )
    if facts.skews_s and all(abs(one) <= CLOCK_BAD_S for one in facts.skews_s.values()):
        worst = max(abs(one) for one in facts.skews_s.values())
        yield good("clock", f"all services agree with this machine within {worst:.1f} s")


def _ports(facts: Facts) -> Iterator[Finding]:
    ocpp = facts.statuses.get("ocpp")
    for what, is_open in facts.ports.items():
        if is_open and (ocpp is None or ocpp.state == "offline"):
            yield bad(
                "port", f"{what} is held by another program: the OCPP service does not run",
                "end that program, or write another ocpp.port and tell the chargers",
            )  # fmt: skip
        elif is_open:
            yield good("port", f"{what} is open")
        else:
            yield bad("port", f"nothing listens on {what}", "start that service, or correct its port")


def _certificates(facts: Facts) -> Iterator[Finding]:
    for name, left in facts.certificates.items():
        if left is None:
            yield note("certificate", f"{name} cannot be read here", "look at it on the machine that has it")
        elif left < CERTIFICATE_SOON_DAYS:
            word = "has ended" if left < 0 else f"ends in {left:.0f} days"
            yield (bad if left < 0 else note)("certificate", f"{name} {word}", "run `busbar setup --renew`")
        else:
            yield good("certificate", f"{name} is good for {left:.0f} days")


def _ago(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
