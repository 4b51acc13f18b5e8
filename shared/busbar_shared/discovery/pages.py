"""The pages of a site in Home Assistant: which there are, what they are called, and where they hang."""

from busbar_shared.config.root import Site
from busbar_shared.discovery.entity import Page
from busbar_shared.discovery.words import page_of


def site_page(site: Site) -> Page:
    """The house as a whole."""
    return Page(
        id=f"busbar_{site.site.id}", name=page_of("site", site.site.name), model="Home energy manager"
    )


def page(site: Site, kind: str, name: str, model: str) -> Page:
    """One device of the house."""
    return Page(id=id_of(site, kind, name), name=page_of(kind, name), model=model, via=site_page(site).id)


def id_of(site: Site, kind: str, name: str = "") -> str:
    """An id that never changes, of letters, digits, _ and - as Home Assistant wants it."""
    return f"busbar_{site.site.id}_{kind}" + (f"_{name}" if name else "")
