"""The official definitions as we load them: offsets of the points a house depends on."""

import pytest

from busbar_meter.definitions import model


@pytest.mark.parametrize(
    ("number", "point", "offset", "kind"),
    [
        (1, "SN", 50, "string"),
        (103, "W", 14, "int16"),
        (103, "W_SF", 15, "sunssf"),
        (103, "WH", 24, "acc32"),
        (113, "W", 22, "float32"),
        (113, "St", 48, "enum16"),
        (120, "MaxChaRte", 23, "uint16"),
        (121, "WMax_SF", 22, "sunssf"),
        (122, "StActCtl", 35, "bitfield32"),
        (123, "WMaxLimPct", 5, "uint16"),
        (123, "WMaxLim_Ena", 9, "enum16"),
        (124, "OutWRte", 12, "int16"),
        (124, "ChaGriSet", 17, "enum16"),
        (203, "W", 18, "int16"),
        (203, "TotWhImp", 46, "acc32"),
        (213, "PPVphAB", 20, "float32"),
        (701, "W_SF", 116, "sunssf"),
        (702, "CtrlModes", 23, "bitfield32"),
        (704, "WMaxLimPctRvrtTms", 18, "uint32"),
        (713, "SoC", 4, "uint16"),
        (802, "SoC", 11, "uint16"),
    ],
)
def test_a_point_lies_where_the_standard_puts_it(number: int, point: str, offset: int, kind: str) -> None:
    found = model(number).points[point]

    assert (found.offset, found.type) == (offset, kind)


@pytest.mark.parametrize(("number", "length", "stride"), [(160, 8, 20), (714, 18, 25), (704, 65, 0)])
def test_repeated_groups_and_flat_groups_are_told_apart(number: int, length: int, stride: int) -> None:
    assert (model(number).length, model(number).stride) == (length, stride)


def test_a_model_nobody_defined_is_none() -> None:
    assert model(64999) is None
