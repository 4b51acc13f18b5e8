"""Whatever stands in busbar.toml: a site, or sentences that say what is wrong. Never anything else.

What was found is kept as rows in tests/corpus/configuration, and tried first.
"""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import busbar_cli
from busbar_cli.service_checks import service_problems
from busbar_shared.config.load import BadConfig, read

CORPUS = Path(__file__).parents[1] / "corpus" / "configuration"
DEMO = Path(busbar_cli.__file__).with_name("demo.toml").read_text(encoding="utf-8").splitlines()
ODD = (
    "0", "-1", "1", "1e308", "-0.0", "inf", "-inf", "nan", "true", '""', '" "', '"\\u0000"', '"a/b#+"', '"../../etc/passwd"',
    "[]",
    "[[]]", "{}", "[0]", '["a", "a"]', '["z"]', '"25"', "99999999999999999999", "0x10", "1979-05-27", "07:32:00", '"00:00"',
    '"main"', '"left"', '"grid"', '"{service}"', '"{x}"', '"%s"', '"ws://["', '"http://[::1"', '"é\\n"', "{ host = 5 }",
    '{ host = "127.0.0.1", port = 0, unit = 256 }', '{ serial = "/dev/null" }', '{ x = { y = { z = 1 } } }',
)  # fmt: skip
LINES = [number for number, line in enumerate(DEMO) if "=" in line and not line.lstrip().startswith("#")]


def checked(text: str) -> None:
    """Read the configuration as every service does, and look at it as `busbar config check` does."""
    assert all(sentence.strip() for sentence in sentences(text)), "a sentence, not an empty one"


def sentences(text: str) -> list[str]:
    """What is wrong with it."""
    try:
        site = read(text)
    except BadConfig as error:
        return [str(error)]
    return list(service_problems(site))


@st.composite
def changed(draw: st.DrawFn) -> str:
    """The demo's configuration with some values odd, some lines gone, twice, or elsewhere."""
    lines = list(DEMO)
    for number in draw(st.lists(st.sampled_from(LINES), min_size=1, max_size=4, unique=True)):
        key = lines[number].split("=", 1)[0]
        kind = draw(st.sampled_from(["odd", "odd", "odd", "gone", "twice", "text"]))
        if kind == "odd":
            lines[number] = f"{key}= {draw(st.sampled_from(ODD))}"
        elif kind == "gone":
            lines[number] = ""
        elif kind == "twice":
            lines[number] = f"{lines[number]}\n{lines[number]}"
        else:
            lines[number] = f"{key}= {draw(st.text(max_size=20))}"
    for number in draw(st.lists(st.integers(0, len(lines) - 1), max_size=2)):
        if lines[number].startswith("["):
            lines[number] = draw(
                st.sampled_from(["", "[site]", "[chargers.left]", "[x]", "[[chargers]]", "[meters]"])
            )
    return "\n".join(lines)


@pytest.mark.parametrize("name", sorted(one.name for one in CORPUS.glob("*.toml")))
def test_what_was_found_once_stays_answered(name: str) -> None:
    checked((CORPUS / name).read_text(encoding="utf-8"))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(changed())
def test_an_odd_value_is_a_site_or_a_sentence(text: str) -> None:
    checked(text)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=400))
def test_any_text_is_a_site_or_a_sentence(text: str) -> None:
    checked(text)
