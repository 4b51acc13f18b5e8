"""Tasmota's PulseTime in the service: armed, kept on disk, put back, and never used without leave."""

from typing import Any

TASMOTA = """
[plugs.boiler]
driver = "tasmota"
topic = "plug1"
use_pulse_time = true
"""


async def test_pulse_time_is_armed_and_the_owners_setting_comes_back(house_of: Any, tasmota: Any) -> None:
    tasmota.pulse = 220
    async with house_of(TASMOTA, tasmota) as house:
        await house.pass_time(30)
        assert tasmota.pulse == 160
        assert house.state().device_timer is True
        await house.pass_time(300, order=True)
        assert [on for _, on in tasmota.history] == [True]

    assert tasmota.pulse == 220
    assert tasmota.on is False


async def test_after_a_kill_our_own_pulse_time_is_not_taken_for_the_owners(
    house_of: Any, tasmota: Any
) -> None:
    tasmota.pulse = 220
    async with house_of(TASMOTA, tasmota) as house:
        await house.pass_time(40)
        house.bus.devices = ()
        house.service.state_dir.joinpath("leases.json").rename(house.service.state_dir / "kept")
    house.service.state_dir.joinpath("kept").rename(house.service.state_dir / "leases.json")
    assert tasmota.pulse == 160
    async with house_of(TASMOTA, tasmota) as house:
        await house.pass_time(40)

    assert tasmota.pulse == 220


async def test_without_leave_a_tasmota_keeps_its_pulse_time_and_claims_no_timer(
    house_of: Any, tasmota: Any
) -> None:
    tasmota.pulse = 220
    async with house_of(TASMOTA.replace("use_pulse_time = true", ""), tasmota) as house:
        await house.pass_time(60, order=True)
        assert tasmota.pulse == 220
        assert house.state().device_timer is False


async def test_a_tasmota_is_armed_within_two_seconds(house_of: Any, tasmota: Any) -> None:
    async with house_of(TASMOTA, tasmota) as house:
        await house.pass_time(2)

        assert tasmota.pulse == 160


async def test_the_owners_pulse_time_is_on_disk_before_ours_is_in_the_device(
    house_of: Any, tasmota: Any
) -> None:
    tasmota.pulse = 220
    async with house_of(TASMOTA, tasmota) as house:
        await house.pass_time(2)
        kept = house.service.state_dir.joinpath("leases.json").read_text()
        assert tasmota.pulse == 160

    assert '"owner_pulse":220' in kept
