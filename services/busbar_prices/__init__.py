"""Prices of electricity from several sources, said on one topic in one form."""
