"""The list of tags inside the charger, so that those who may charge also may while Busbar is away."""

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

LONGEST_TAG_16 = 20


def version(tags: Sequence[str]) -> int:
    """The number of a list: another list, another number. Never 0 or -1, which mean none (1.6 section 5.10)."""
    return zlib.crc32("\n".join(tags).encode()) % (2**31 - 2) + 1


def wanted(said: Mapping[str, str]) -> bool:
    """Whether the charger says that it keeps a list."""
    profiles = {one.strip() for one in said.get("SupportedFeatureProfiles", "").split(",")}
    if "LocalAuthListManagement" in profiles:
        return True
    return said.get("LocalAuthListCtrlr.Enabled", "").strip().lower() == "true"


def send_16(tags: Sequence[str]) -> dict[str, Any]:
    """SendLocalList.req (6.41), the whole list."""
    entries = [
        {"idTag": tag, "idTagInfo": {"status": "Accepted"}} for tag in tags if len(tag) <= LONGEST_TAG_16
    ]
    return {"listVersion": version(tags), "updateType": "Full", "localAuthorizationList": entries}


def send_201(tags: Sequence[str]) -> dict[str, Any]:
    """SendLocalListRequest, the whole list."""
    entries = [
        {"idToken": {"idToken": tag, "type": "ISO14443"}, "idTokenInfo": {"status": "Accepted"}}
        for tag in tags
    ]
    return {"versionNumber": version(tags), "updateType": "Full", "localAuthorizationList": entries}
