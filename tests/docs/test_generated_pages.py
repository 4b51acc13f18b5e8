"""Pages that are made from the code are what the code says now."""

from pathlib import Path

from busbar_shared.config.reference import reference_page

DOCS = Path(__file__).parents[2] / "docs"


def test_the_configuration_reference_is_current() -> None:
    assert (DOCS / "configuration.md").read_text(encoding="utf-8") == reference_page(), (
        "run `busbar config reference > docs/configuration.md` and commit the result"
    )


def test_the_configuration_reference_explains_every_key() -> None:
    page = reference_page()
    mute = [line for line in page.splitlines() if line.startswith("| `") and line.endswith("|  |")]
    assert mute == []
    assert "| `limit_a` | number, A or { a, b, c } | **required** |" in page
    assert "| `port` | whole number, 1 to 65535 | `1883` |" in page
