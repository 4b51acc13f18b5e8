"""A Charge Amps charger in the plant: its cloud tells what its meter shows, which is not what it offers."""

from datetime import UTC, datetime

from busbar_shared.config.load import read
from busbar_simulator.build import build
from busbar_simulator.charge_amps import vendor_cloud

SITE = """
[circuits.main]
limit_a = 25
meter = "grid"
assumed_background_a = 8
[meters.grid]
driver = "sunspec"
[chargeamps.connectors.1]
charge_point = "2106037142M"
[simulator.house]
base_w = 0
[simulator.chargeamps]
plugged = true
"""
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def test_a_car_that_climbs_is_told_with_what_it_draws_and_not_with_what_it_is_offered() -> None:
    site = read(SITE)
    built = build(site)
    cloud, chargers = vendor_cloud(site, built, lambda: NOW)
    assert cloud is not None
    connector = cloud.connectors["2106037142M", 1]
    connector.mode = "On"

    def live(seconds: float) -> tuple[float, float, str]:
        for _ in range(round(seconds * 4)):
            chargers[0].step(NOW)
            built.house.step(0.25)
        chargers[0].step(NOW)
        return connector.offered_a(NOW), connector.draws_a(NOW), connector.ocpp_status(NOW)

    assert live(1.5) == (16, 0, "Preparing")
    offered, draws, status = live(2.5)
    assert (offered, status) == (16, "Charging")
    assert 6 <= draws < 16
    assert live(10) == (16, 16, "Charging")
