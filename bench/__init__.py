"""Measurements: what a link and a lab cost, beside other ways to them. Not in the wheel."""
