"""What a session cost: its energy at the price of its minute, over all transactions of one car; unknown where a price was."""

from datetime import timedelta
from pathlib import Path

import pytest
from ocpp_house import House

from busbar_contracts.charger import ConnectorStatus
from busbar_contracts.prices import PriceSeries, PriceSlot


def say_price(house: House, per_kwh: float, currency: str = "EUR") -> None:
    """The price of the next days."""
    now = house.clock.now()
    slot = PriceSlot(start=now - timedelta(days=1), end=now + timedelta(days=2), price=per_kwh)
    series = PriceSeries(
        schema="hems.prices/1", series="import", currency=currency, unit=f"{currency}/kWh", slots=(slot,),
        source="a test",
    )  # fmt: skip
    house.bus.feed(series, series="import")


async def test_a_session_costs_what_its_energy_cost_and_a_second_transaction_is_added(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        charger = await house.arrived()
        say_price(house, 0.5)
        await charger.status("Preparing")
        await charger.start()
        await charger.status("Charging")
        await charger.measure(amps=10.0)
        charger.energy_wh += 2000
        await house.clock.sleep(61)
        await charger.measure(amps=10.0)
        state = await house.says(lambda said: said.session is not None and (said.session.cost or 0.0) > 0.5)
        assert state.session is not None
        assert (state.session.cost, state.session.currency) == (pytest.approx(1.0, abs=0.1), "EUR")
        await charger.stop()

        say_price(house, 0.1)
        await charger.start()
        charger.energy_wh += 1000
        await charger.stop()
        await charger.measure(amps=0.0)
        state = await house.says(
            lambda said: said.session is not None and (said.session.cost or 0.0) > 1.05, what="both are added"
        )
        assert state.session is not None
        assert state.session.cost == pytest.approx(1.1, abs=0.12)

        await charger.status("Available")
        await house.says(lambda said: said.session is None and said.status is ConnectorStatus.AVAILABLE)
        await charger.status("Preparing")
        state = await house.says(lambda said: said.session is not None)
        assert state.session is not None
        assert state.session.cost is None


async def test_without_prices_a_session_has_no_cost(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        charger = await house.arrived()
        await charger.start()
        charger.energy_wh += 2000
        await house.clock.sleep(61)
        await charger.measure(amps=10.0)
        state = await house.says(
            lambda said: said.session is not None and (said.session.energy_wh or 0) > 1000
        )
        assert state.session is not None
        assert (state.session.cost, state.session.currency) == (None, None)
