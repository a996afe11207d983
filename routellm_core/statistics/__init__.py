"""Chance: the bootstrap, intervals, bands, tests and risk bounds."""
