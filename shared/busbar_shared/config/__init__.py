"""The configuration of a site: one TOML file, one struct per section, checked whole before anything is opened."""

from busbar_shared.config.root import Site

__all__ = ["Site"]
