"""A bug report is a file: recorded without secrets, replayed with the same result, different where it must be."""

import base64
import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from busbar_cli.hiding import secrets_of, without_secrets
from busbar_cli.recording import BadRecording, Writer, header_of, is_something_else, line_of, read
from busbar_cli.replay import Player, replay, site_of
from busbar_contracts.charger import ChargerState, ConnectorStatus, LegSample
from busbar_contracts.meter import MeterReading, PhaseSample
from busbar_shared.bus import RawHeard
from busbar_shared.config.load import read as read_site

SIX_PM = datetime(2026, 6, 21, 18, 0, tzinfo=UTC)
HOUSE = """
[broker]
username = "kitchen"
password = "MQTT_PASSWORD"
[circuits.main]
limit_a = 25
meter = "grid"
assumed_background_a = 15
[meters.grid]
modbus = { host = "192.0.2.1" }
[ocpp]
tags = ["04A2B3C4D5"]
[chargers.left]
charge_point = "SERIAL-4711"
password = "$hash$of$a$password"
auto_start = "04A2B3C4D5"
"""


def a_minute(path: Path, *, with_decisions: bool = True) -> None:
    """A car that charges while the house takes 5 A, and an oven after half a minute."""
    site = read_site(HOUSE)
    header = header_of(site, "test", SIX_PM)
    writer = Writer(path, header)
    player = Player(site_of(header, {}), header)
    car_a = 0.0
    for second in range(90):
        house_a = 5.0 if second < 45 else 17.0
        sample = PhaseSample(current_a=house_a + car_a)
        at = SIX_PM + timedelta(seconds=second)
        said: list[tuple[str, Any]] = [
            ("hems/meter/grid/reading", MeterReading(at=at, power_w=None, a=sample, b=sample, c=sample)),
        ]
        if second % 5 == 0:
            leg = LegSample(current_a=car_a)
            state = ChargerState(
                at=at,
                status=ConnectorStatus.CHARGING,
                link=True,
                sampled_at=at,
                l1=leg,
                l2=leg,
                l3=leg,
                legs_in_use=3,
            )
            said.insert(0, ("hems/charger/left/1/state", state))
        for topic, message in said:
            raw = RawHeard(topic, msgspec.json.encode(message), 1000.0 + second + 0.5)
            line = line_of(raw, 1000.0)
            writer.add(line)
            player.take(line, line.t)
        if player.allocation is not None:
            car_a = player.allocation.loads["left-1"].limit_a
            if with_decisions:
                writer.add(
                    line_of(
                        RawHeard(
                            "hems/allocator/allocation",
                            msgspec.json.encode(player.allocation),
                            1000.6 + second,
                        ),
                        1000.0,
                    )
                )
    writer.close()


def test_the_same_house_decides_the_same_twice(tmp_path: Path) -> None:
    file = tmp_path / "evening.busbar.gz"
    a_minute(file)

    first, second = replay(file), replay(file)

    assert first == second
    assert first.differences == []
    assert first.compared > 60
    assert first.limits == {"left-1": pytest.approx(8.0, abs=0.5)}


def test_one_changed_setting_differs_where_it_must_and_says_why(tmp_path: Path) -> None:
    file = tmp_path / "evening.busbar.gz"
    a_minute(file)

    found = replay(file, {"circuits.main.limit_a": 20})

    assert {one.load for one in found.differences} == {"left-1"}
    assert found.differences[0].replayed_a is not None
    assert found.differences[0].recorded_a is not None
    assert found.differences[0].replayed_a < found.differences[0].recorded_a
    assert "20 A" in found.differences[0].replayed_why


def test_no_secret_is_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "evening.busbar.gz"
    a_minute(file)
    text = gzip.decompress(file.read_bytes())

    for secret in (b"04A2B3C4D5", b"$hash$of$a$password", b"kitchen", b"MQTT_PASSWORD", b"SERIAL-4711"):
        assert secret not in text


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        pytest.param({"tag": "04A2"}, {"tag": "hidden"}, id="a card"),
        pytest.param({"a": [{"token": "x"}]}, {"a": [{"token": "hidden"}]}, id="deep inside"),
        pytest.param({"tag": None}, {"tag": None}, id="no card is no secret"),
        pytest.param({"limit_a": 16}, {"limit_a": 16}, id="a limit stays"),
        pytest.param(
            {"url": "ws://me:pass@host/x"}, {"url": "ws://hidden@host/x"}, id="a login in an address"
        ),
        pytest.param(
            {"at": "http://host/x?day=1&apikey=abc"},
            {"at": "http://host/x?day=1&apikey=hidden"},
            id="a key in a query",
        ),
        pytest.param(
            {"action": "configure", "key": "AuthorizationKey", "value": "x"},
            {"action": "configure", "key": "AuthorizationKey", "value": "hidden"},
            id="a setting of a charger may be its password",
        ),
        pytest.param("a wallbox", "a wallbox", id="a sentence stays"),
    ],
)
def test_what_is_hidden(value: Any, kept: Any) -> None:
    assert without_secrets(value) == kept


def test_secrets_are_known_by_their_values_wherever_they_are_kept(tmp_path: Path) -> None:
    held = tmp_path / "broker"
    held.write_text("open-sesame\n", encoding="utf-8")
    site = read_site(HOUSE.split("[chargers.left]")[0].replace("MQTT_PASSWORD", "BROKER_PASSWORD")
                     + "[chargers.left]\ncharge_point = \"left\"\nauto_start = \"04A2B3C4D5\"\n")  # fmt: skip

    known = secrets_of(site, {"BROKER_PASSWORD_FILE": str(held)})

    assert set(known) == {"open-sesame", "04A2B3C4D5", "BROKER_PASSWORD"}
    said = {"text": "04A2B3C4D5 came, and open-sesame was said", "issuer": "left"}
    assert without_secrets(said, known=known) == {
        "text": "hidden came, and hidden was said",
        "issuer": "left",
    }


@pytest.mark.parametrize(
    "said",
    [
        pytest.param("tag 04a2b3c4d5 came", id="a tag in small letters"),
        pytest.param("https://192.0.2.1/x/p%26ss%20w%C3%B6rd", id="a password in an address"),
        pytest.param("https://192.0.2.1/x?y=p%26ss+w%C3%B6rd", id="a password in a form"),
        pytest.param(b"\xff04a2B3c4D5", id="what is no text"),
    ],
)
def test_a_secret_is_found_however_it_is_written(said: Any) -> None:
    site = read_site(HOUSE.replace("MQTT_PASSWORD", "BROKER_PASSWORD"))
    known = secrets_of(site, {"BROKER_PASSWORD": "p&ss wörd"})
    payload = said if isinstance(said, bytes) else msgspec.json.encode({"text": said})

    line = line_of(RawHeard("hems/somebody", payload, 1.0), 0.0, known)

    told = base64.b64decode(line.raw) if line.raw is not None else msgspec.json.encode(line.payload)
    assert b"hidden" in told
    assert b"04A2B3C4D5" not in told.upper()
    assert b"SS" not in told.upper().replace(b"HTTPS", b"")


WORDS = st.text(max_size=12)
SPOKEN = WORDS | st.tuples(WORDS, WORDS).map(lambda ends: f"{ends[0]}open-sesame{ends[1]}")
ANYTHING = st.recursive(
    SPOKEN | st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False),
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(SPOKEN, inside, max_size=4),
    max_leaves=12,
)


@given(ANYTHING | st.binary(max_size=30))
def test_a_known_secret_is_in_no_line_whatever_is_said(said: Any) -> None:
    payload = said + b"open-sesame" if isinstance(said, bytes) else msgspec.json.encode(said)
    line = line_of(RawHeard("hems/x/open-sesame", payload, 1.0), 0.0, ("open-sesame",))

    assert b"open-sesame" not in msgspec.json.encode(line)
    assert line.raw is None or b"open-sesame" not in base64.b64decode(line.raw)


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        pytest.param(b"", "no header", id="an empty file"),
        pytest.param(gzip.compress(b'{"x": 1}\n'), "no header", id="another file"),
        pytest.param(b"plain text", "cannot be read", id="not compressed"),
        pytest.param(gzip.compress(b"\xff\xfe\n"), "no header", id="not even text"),
        pytest.param(gzip.compress(b"[" * 100_000 + b"\n"), "no header", id="brackets without an end"),
        pytest.param(
            gzip.compress(b'{"busbar_record": 2, "chapters": []}\n'),
            "is of format 2, this program reads 1",
            id="a recorder of the future with a header of its own",
        ),
    ],
)
def test_a_file_that_is_no_recording_is_a_sentence(tmp_path: Path, raw: bytes, sentence: str) -> None:
    file = tmp_path / "x"
    file.write_bytes(raw)

    with pytest.raises(BadRecording, match=sentence):
        replay(file)


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        pytest.param("contract", "2.0.0", "speaks contract 2.0.0", id="another language"),
        pytest.param("contract", "1.99.0", "", id="a newer program of the same language"),
        pytest.param("program", "99.0", "", id="another program"),
        pytest.param("at", "2026-06-21T18:00:00", "no header", id="a time without its offset"),
        pytest.param("site", {"sauna": {}}, "sauna", id="a section of a newer program"),
        pytest.param("site", [], "no header", id="a site that is a list"),
    ],
)
def test_a_header_of_somebody_else_is_understood_or_named(
    tmp_path: Path, field: str, value: Any, sentence: str
) -> None:
    file = tmp_path / "evening.busbar.gz"
    a_minute(file)
    header, *rest = gzip.decompress(file.read_bytes()).splitlines(keepends=True)
    told = msgspec.json.encode({**msgspec.json.decode(header), field: value})
    file.write_bytes(gzip.compress(b"".join([told, b"\n", *rest])))

    if not sentence:
        assert replay(file).differences == []
        return
    with pytest.raises(BadRecording, match=sentence):
        replay(file)


def test_a_recording_that_was_cut_off_is_good_up_to_there(tmp_path: Path) -> None:
    file = tmp_path / "evening.busbar.gz"
    a_minute(file)
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])

    header, lines = read(file)

    assert header.program == "test"
    assert len(list(lines)) > 5


LINES = [
    pytest.param(b"\xff\n", "line 3", id="a line that is no text"),
    pytest.param(b'{"t": "soon", "topic": "hems/x"}\n', "got `str`", id="a time that is a word"),
    pytest.param(b'{"t": 1e12, "topic": "hems/x"}\n', "1e\\+12 s after the start", id="a time in a far century"),
    pytest.param(
        b'{"t": 1, "topic": "hems/x", "payload": ' + b"[" * 100_000 + b"\n", "line 3", id="brackets without an end"
    ),
]  # fmt: skip


@pytest.mark.parametrize(("line", "sentence"), LINES)
def test_a_line_that_no_recorder_wrote_is_named(tmp_path: Path, line: bytes, sentence: str) -> None:
    file = tmp_path / "x.busbar.gz"
    a_minute(file)
    head = b"".join(gzip.decompress(file.read_bytes()).splitlines(keepends=True)[:2])
    file.write_bytes(gzip.compress(head + line))

    with pytest.raises(BadRecording, match=sentence):
        replay(file)


@pytest.mark.parametrize("place", [0.02, 0.3, 0.6, 0.95])
def test_a_damaged_recording_is_a_sentence(tmp_path: Path, place: float) -> None:
    file = tmp_path / "evening.busbar.gz"
    a_minute(file)
    whole = bytearray(file.read_bytes())
    begin = 12 + int((len(whole) - 100) * place)
    whole[begin : begin + 64] = bytes(64)  # as a power cut leaves a page that was never written
    file.write_bytes(whole)

    with pytest.raises(BadRecording, match=r"evening\.busbar\.gz"):
        replay(file)


def test_what_was_heard_is_on_the_disk_though_the_recorder_was_killed(tmp_path: Path) -> None:
    file = tmp_path / "evening.busbar.gz"
    writer = Writer(file, header_of(read_site(HOUSE), "test", SIX_PM))
    header, _ = read(file)
    for second in range(30):
        writer.add(line_of(RawHeard("hems/x", b'{"a": 1}', 1000.0 + second), 1000.0))

    _, lines = read(file)  # nobody closed it

    assert header.program == "test"
    assert len(list(lines)) >= 25
    writer.close()


@pytest.mark.parametrize("depth", [300, 450, 900, 100_000], ids=lambda depth: f"{depth} brackets")
def test_a_payload_without_an_end_does_not_end_the_recorder(tmp_path: Path, depth: int) -> None:
    file = tmp_path / "evening.busbar.gz"
    writer = Writer(file, header_of(read_site(HOUSE), "test", SIX_PM))
    writer.add(line_of(RawHeard("hems/somebody", b"[" * depth + b"]" * depth, 1000.0), 1000.0, ("secret",)))
    writer.close()

    assert replay(file).messages == 1


@pytest.mark.parametrize(
    ("begin", "other"),
    [
        pytest.param(None, False, id="nothing there yet"),
        pytest.param(b"", False, id="an empty file"),
        pytest.param(gzip.compress(b"x"), False, id="a recording of yesterday"),
        pytest.param(b"[site]\n", True, id="the configuration of the house"),
    ],
)
def test_only_a_recording_is_written_over(tmp_path: Path, begin: bytes | None, other: bool) -> None:
    file = tmp_path / "x"
    if begin is not None:
        file.write_bytes(begin)

    assert is_something_else(file) is other


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        pytest.param({"chargers.left.min_a": 30}, "30 A is above max_a", id="a minimum above the maximum"),
        pytest.param({"chargers.left.circuit": "cellar"}, "no such circuit", id="a circuit there is not"),
        pytest.param({"circuits.main.limit_a": "much"}, "got `str`", id="a limit that is a word"),
        pytest.param({"circuits.main.limit_a": -5}, ">= 0", id="a limit below nothing"),
        pytest.param({"circuits.main": 5}, "got `int`", id="a figure for a section"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(tmp_path: Path, changes: dict[str, Any], sentence: str) -> None:
    file = tmp_path / "evening.busbar.gz"
    a_minute(file)

    with pytest.raises(BadRecording, match=sentence):
        replay(file, changes)


def test_a_key_that_does_not_exist_is_named(tmp_path: Path) -> None:
    file = tmp_path / "evening.busbar.gz"
    a_minute(file)

    with pytest.raises(BadRecording, match=r"circuits\.cellar\.limit_a"):
        replay(file, {"circuits.cellar.limit_a": 5})
