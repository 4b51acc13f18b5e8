"""Peculiarities from the owner's own file, each with what it changes; and settings that are taken and do not stay."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from ocpp_house import House
from ocpp_time import until

from busbar_ocpp.quirks import Quirk, QuirkFile, shipped

WORDS = {field.name for field in msgspec.structs.fields(Quirk)} - {
    "name",
    "source",
    "vendor",
    "model",
    "firmware",
}


def own(folder: Path, line: str) -> None:
    """A quirk file of the owner's for every charger that calls itself Acme."""
    (folder / "quirks.toml").write_text(
        f'[[quirk]]\nname = "own"\nvendor = "Acme"\n{line}\nsource = "this test"\n'
    )


def test_each_word_of_a_quirk_changes_something_and_is_explained() -> None:
    folder = Path(__file__).parents[3] / "services" / "busbar_ocpp"
    code = "".join(file.read_text() for file in folder.glob("*.py"))
    explained = (folder / "quirks.toml").read_text()

    assert [word for word in sorted(WORDS) if f"quirk.{word}" not in code] == []
    assert [word for word in sorted(WORDS) if f"#   {word} " not in explained] == []
    assert all(quirk.source for quirk in shipped())
    assert msgspec.toml.decode(explained, type=QuirkFile).quirk == shipped()


async def test_a_kept_profile_of_a_transaction_is_cleared_at_its_end(tmp_path: Path) -> None:
    own(tmp_path, "keeps_tx_profile = true")
    async with House(tmp_path, factor=20) as house:
        charger = await house.arrived()
        await charger.start()
        house.order(9.0)
        await until(
            lambda: any(one.purpose == "TxProfile" for one in charger.model.stored), what="its profile"
        )
        await charger.stop()

        await until(
            lambda: (
                {"connectorId": 1, "chargingProfilePurpose": "TxProfile", "stackLevel": 2}
                in charger.told("ClearChargingProfile")
            )
        )


async def test_a_charger_that_never_says_what_it_offers_is_not_asked_to(tmp_path: Path) -> None:
    own(tmp_path, "offers_nothing = true")
    async with House(tmp_path, factor=20) as house:
        charger = await house.arrived(configuration={"MeterValuesSampledData": "SoC"})

        await until(lambda: charger.configuration["MeterValuesSampledData"] != "SoC")
        assert charger.configuration["MeterValuesSampledData"] == (
            "Current.Import,Voltage,Power.Active.Import,Energy.Active.Import.Register,SoC"
        )


async def test_a_repeat_that_upsets_it_comes_as_late_as_is_safe(tmp_path: Path) -> None:
    own(tmp_path, "repeats_are_ignored = true")
    async with House(tmp_path, factor=40) as house:
        charger = await house.arrived()
        house.order(9.0, lease_s=30)
        await until(lambda: charger.limit() == 9.0)
        charger.received.clear()
        for _ in range(3):
            await house.clock.sleep(20)
            house.order(9.0)
        assert charger.told("SetChargingProfile") == [], "a minute after the limit nothing was repeated"
        for _ in range(6):
            await house.clock.sleep(15)
            house.order(9.0)

        assert len(charger.told("SetChargingProfile")) >= 1
        assert charger.limit() == 9.0


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_a_setting_that_is_accepted_and_does_not_stay_is_tried_in_poorer_forms(
    tmp_path: Path, version: str
) -> None:
    key = {"1.6": "MeterValuesSampledData", "2.0.1": "SampledDataCtrlr.TxUpdatedMeasurands"}[version]
    poor = "Power.Active.Import,Energy.Active.Import.Register"
    async with House(tmp_path, factor=20) as house:
        charger = house.guest(version=version, configuration=OnlyPoor(key, poor))
        await charger.connect()
        await charger.boot()
        await charger.status("Available")
        house.order(9.0)

        await until(lambda: charger.configuration.tried[-1:] == [poor], what="the poorest list")  # type: ignore[attr-defined]
        await house.clock.sleep(5)
        assert charger.configuration[key] == poor
        assert len(charger.configuration.tried) == 5  # type: ignore[attr-defined]


class OnlyPoor(dict[str, str]):
    """Settings of a charger that accepts every list of measured values, and keeps only its own."""

    def __init__(self, key: str, kept: str) -> None:
        super().__init__({key: "SoC"})
        self._key, self._kept, self.tried = key, kept, list[Any]()

    def __setitem__(self, key: str, value: str) -> None:
        if key == self._key:
            self.tried.append(value)
            value = "SoC" if value != self._kept else value
        super().__setitem__(key, value)
