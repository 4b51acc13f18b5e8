"""A day in virtual time: the same seed the same day, nothing known of tomorrow, and figures one can check by hand."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from busbar_cli.main import app
from busbar_cli.simulate import nets_per_phase, simulate
from busbar_cli.simulate_course import Course, Wave, course_rows
from busbar_cli.simulate_outcome import Ran
from busbar_cli.simulate_scenario import Scenario, Tariff, scenario_of
from busbar_cli.simulate_tariff import BadTariff, prices_at, read_tariff
from busbar_shared.config.load import BadConfig

ONE_CAR: dict[str, Any] = {
    "simulate": {"hours": 0.25, "house": {"a": {"points": [[0, 2300]]}}},
    "circuits": {"main": {"limit_a": 25, "meter": "grid", "assumed_background_a": 15}},
    "meters": {"grid": {"driver": "sunspec", "modbus": {"host": "127.0.0.1"}}},
    "ocpp": {"security": 0},
    "chargers": {"left": {"fallback_a": 0}},
    "simulator": {
        "start": "12:00",
        "house": {"volts": [230, 230, 230], "ohms": 0.0},
        "sun": {"peak_w": 0},
        "battery": {"capacity_wh": 0},
        "cars": {"left": {"battery_wh": 60_000, "soc_percent": 40}},
    },
}
SITE = """
[circuits.main]
limit_a = 25
meter = "grid"
assumed_background_a = 15
[meters.grid]
modbus = { host = "127.0.0.1", port = 15020, unit = 200 }
[inverters.roof]
modbus = { host = "127.0.0.1", port = 15020, unit = 1 }
[ocpp]
security = 0
[chargers.left]
fallback_a = 0
[simulator]
start = "12:00"
"""


def a_scenario(**changes: Any) -> Scenario:
    """One car at a house that takes 10 A of phase a; dotted keys with two underscores change it."""
    dotted = {key.replace("__", "."): value for key, value in changes.items()}
    return scenario_of(json.loads(json.dumps(ONE_CAR)), dotted)


def sunny(points: list[list[float]]) -> dict[str, Any]:
    """A solar-only car under this sun."""
    return {
        "simulate__sun": {"points": points},
        "simulate__house": {"a": {"points": [[0, 230]]}},
        "simulator__sun__peak_w": 9000,
        "chargers__left__mode": "solar_only",
        "inverters__roof__modbus__host": "127.0.0.1",
    }


def test_the_energy_of_a_flat_quarter_of_an_hour_is_what_one_reckons() -> None:
    ran = simulate(a_scenario(simulate__settle_s=60))
    figures = ran.figures

    # 14 minutes: the house 2.3 kW; the car 15 A on three legs of 230 V is 10.35 kW.
    assert figures.hours == pytest.approx(14 / 60, abs=0.001)
    assert figures.loads_kwh["left-1"] == pytest.approx(10.35 * 14 / 60, rel=0.01)
    assert figures.used_kwh == pytest.approx(12.65 * 14 / 60, rel=0.01)
    assert figures.import_kwh == pytest.approx(12.65 * 14 / 60, rel=0.01)
    assert figures.cost == pytest.approx(12.65 * 14 / 60 * 0.30, rel=0.01)
    assert figures.self_sufficiency == pytest.approx(0, abs=0.01)
    assert figures.over_s == 0


def test_what_a_car_lacked_is_counted_against_what_its_charger_could_give() -> None:
    figures = simulate(a_scenario(chargers__left__mode="solar_only")).figures

    # A quarter of an hour of 16 A on three legs of 230 V, of which it got nothing.
    assert figures.unmet_kwh == pytest.approx(11.04 / 4, rel=0.01)
    assert figures.cars_kwh == 0


@pytest.mark.parametrize("seed", [1, 2])
def test_the_same_seed_is_the_same_day(seed: int) -> None:
    first, again = (simulate(a_scenario(simulator__seed=seed, simulate__house={})) for _ in range(2))

    assert first == again


def test_another_seed_is_another_day() -> None:
    one, other = (simulate(a_scenario(simulator__seed=seed, simulate__house={})) for seed in (1, 2))

    assert one.points != other.points


def until(ran: Ran, second: float) -> list[tuple[float, str, float]]:
    """The orders before this second."""
    return [order for order in ran.orders if order[0] < second]


@pytest.mark.parametrize(
    "later",
    [
        pytest.param([[0, 9000], [300, 6000], [600, 0]], id="night falls"),
        pytest.param([[0, 9000], [300, 6000], [600, 12000]], id="the clouds leave"),
    ],
)
def test_the_same_run_with_another_tomorrow_is_identical_today(later: list[list[float]]) -> None:
    same = [[0, 9000], [300, 6000]]
    known, other = simulate(a_scenario(**sunny(same))), simulate(a_scenario(**sunny(later)))

    assert until(other, 600) == until(known, 600)
    assert len(until(known, 600)) >= 5
    assert other.orders != known.orders


def test_figures_count_from_the_first_step_after_it_has_settled() -> None:
    between_two_steps = simulate(a_scenario(simulate__hours=0.05, simulate__settle_s=90.1))
    on_a_step = simulate(a_scenario(simulate__hours=0.05, simulate__settle_s=90.25))

    assert between_two_steps.figures == on_a_step.figures
    assert between_two_steps.figures != simulate(a_scenario(simulate__hours=0.05)).figures


def test_prices_of_tomorrow_change_nothing_today() -> None:
    def priced(tomorrow: float) -> Ran:
        buy = [["00:00", tomorrow], ["11:00", 0.30]]
        return simulate(
            a_scenario(
                simulate__tariff={"buy": buy}, chargers__left__grid_price_max=0.1, chargers__left__mode="solar_only"
            )
        )  # fmt: skip

    # The first row is past when the run begins at noon; at midnight it would hold again.
    assert priced(0.01).orders == priced(0.50).orders


def test_two_prices_of_a_day_each_hold_until_the_next() -> None:
    tariff = Tariff(buy=(("06:00", 0.30), ("22:00", 0.10)), sell=(("00:00", 0.08),))
    morning = simulate(a_scenario()).started_at

    assert prices_at(tariff, morning.replace(hour=5, minute=59)) == (0.10, 0.08)
    assert prices_at(tariff, morning.replace(hour=6, minute=0)) == (0.30, 0.08)
    assert prices_at(tariff, morning.replace(hour=22, minute=0)) == (0.10, 0.08)


def test_a_course_adds_points_waves_and_pulses_and_wraps_around_midnight() -> None:
    course = Course(points=((0, 100), (60, 200)), pulse_w=50, pulse_every_s=120, pulse_for_s=30)
    day = course_rows({"b": course}, Course(waves=(Wave(watts=100, period_s=40),)), 86_370, 100)

    assert day.house_at(86_370) == (0, 150, 0)
    assert day.house_at(10) == (0, 100, 0)
    assert day.house_at(30) == (0, 200, 0)
    assert day.sun_at(86_380) == pytest.approx(100)
    assert day.sun_at(0) == 0


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, True, id="symmetric inverters net each phase"),
        pytest.param({"site__netting": "sum"}, False, id="as the owner says"),
        pytest.param(
            {"inverters__roof__asymmetric": True}, False, id="an asymmetric inverter feeds any phase"
        ),
    ],
)
def test_how_surplus_is_netted(changes: dict[str, Any], expected: bool) -> None:
    changes = {"inverters__roof__modbus__host": "127.0.0.1"} | changes

    assert nets_per_phase(a_scenario(**changes).site) is expected


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        pytest.param({"simulate__hours": 0}, "hours", id="no time at all"),
        pytest.param({"simulate__weather": 1}, "weather", id="an unknown word"),
        pytest.param({"site__phasen": 3}, "phasen", id="an unknown key of the site"),
        pytest.param({"chargers__left__legs__a": 1}, "legs", id="a key below a value"),
        pytest.param(
            {"circuits": {}, "meters": {}, "chargers": {}, "simulator": {}},
            "circuits: none",
            id="a site without a breaker",
        ),
        pytest.param(
            {"simulator__day_csv": "day.csv", "simulate__house": {"a": {"points": [[0, 500]]}}},
            "day.csv: the scenario tells its own house",
            id="a recorded day beside a scenario's own",
        ),
        pytest.param(
            {"simulate__events": [{"at_s": 1, "silent": ["nobody"]}]},
            r"events\[0\].silent: there is no 'nobody'; there are left-1",
            id="a charger nobody has falls silent",
        ),
        pytest.param({"simulate__tariff__buy": []}, "tariff.buy: no rows", id="a tariff without a price"),
        pytest.param({"simulate__tariff__buy": [["25:00", 1]]}, "'25:00' is no HH:MM", id="no time of day"),
        pytest.param(
            {"simulate__tariff__sell": [["06:00", 1], ["05:00", 2]]},
            "05:00 does not come after 06:00",
            id="prices that go back in time",
        ),
        pytest.param(
            {"simulate__tariff__buy": [["00:00", 1e9]]}, "1e\\+09 is no price per kWh", id="an absurd price"
        ),
        pytest.param(
            {"simulate__sun": {"points": []}}, "simulate.sun.points: none", id="sun without a point"
        ),
        pytest.param(
            {"simulate__sun": {"points": [[5, 1], [5, 2]]}},
            "second 5 does not come after 5",
            id="sun that goes back in time",
        ),
        pytest.param(
            {"simulate__house": {"d": {"points": [[0, 500]]}}}, "the site has no phase d", id="a fourth phase"
        ),
        pytest.param(
            {"simulator__sun__date": "9999-12-31"}, "9999-12-31 is not from 1970", id="the last day of all"
        ),
    ],
)
def test_what_cannot_be_simulated_is_a_sentence(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BadConfig, match=sentence):
        simulate(a_scenario(**changes))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param("time,buy\n", "no rows", id="nothing in it"),
        pytest.param("time,buy\n25:00,0.3\n", "line 2, time: '25:00'", id="no time of day"),
        pytest.param("time,buy\n06:00,0.3\n05:00,0.2\n", "line 3", id="not rising"),
        pytest.param("time,buy\n00:00,cheap\n", "line 2, buy: 'cheap'", id="no number"),
        pytest.param("time,buy\n00:00,nan\n", "line 2, buy: 'nan'", id="not a number"),
    ],
)
def test_a_tariff_that_cannot_be_read_names_its_line(tmp_path: Path, text: str, sentence: str) -> None:
    file = tmp_path / "prices.csv"
    file.write_text(text, encoding="utf-8")

    with pytest.raises(BadTariff, match=sentence):
        read_tariff(file)


def test_the_command_compares_plots_and_speaks_json(tmp_path: Path) -> None:
    site, picture = tmp_path / "busbar.toml", tmp_path / "day.svg"
    prices = tmp_path / "prices.csv"
    prices.write_text("time,buy,sell\n00:00,0.2,0.1\n", encoding="utf-8")
    site.write_text(SITE, encoding="utf-8")
    words = [
        "simulate",
        str(site),
        "--days",
        "0.005",
        "--prices",
        str(prices),
        "--json",
        "--plot",
        str(picture),
    ]
    answer = CliRunner().invoke(app, [*words, "--compare", "chargers.left.mode=solar_only"])

    assert answer.exit_code == 0, answer.output
    figures = json.loads(answer.stdout)
    assert list(figures) == ["as it is", "chargers.left.mode=solar_only"]
    assert figures["as it is"]["hours"] == pytest.approx(0.12, abs=0.001)
    assert picture.read_text(encoding="utf-8").startswith("<svg")


def test_the_table_names_every_figure_and_breaker(tmp_path: Path) -> None:
    site = tmp_path / "busbar.toml"
    site.write_text(SITE, encoding="utf-8")
    answer = CliRunner().invoke(
        app, ["simulate", str(site), "--days", "0.002", "--set", "site.distribution=shared"]
    )

    assert answer.exit_code == 0, answer.output
    for word in ("A²s above a limit", "Self-sufficiency", "Withheld although", "main.c"):
        assert word in answer.stdout


@pytest.mark.parametrize(
    ("change", "word"),
    [
        pytest.param("site.distribution=fair", "distribution", id="of the site"),
        pytest.param("simulator.cars.nobody.car_legs=1", "nobody", id="of the simulated house"),
        pytest.param("distribution", "KEY=VALUE", id="no value"),
    ],
)
def test_a_setting_that_is_wrong_ends_with_code_2_and_the_key(tmp_path: Path, change: str, word: str) -> None:
    site = tmp_path / "busbar.toml"
    site.write_text(SITE, encoding="utf-8")
    answer = CliRunner().invoke(app, ["simulate", str(site), "--days", "0.001", "--set", change])

    assert answer.exit_code == 2
    assert word in answer.output


def test_a_plot_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    site = tmp_path / "busbar.toml"
    site.write_text(SITE, encoding="utf-8")
    nowhere = tmp_path / "nowhere" / "day.svg"
    answer = CliRunner().invoke(app, ["simulate", str(site), "--days", "0.001", "--plot", str(nowhere)])
    assert (answer.exit_code, answer.stderr) == (
        1,
        f"{nowhere} cannot be written: No such file or directory\n",
    )
