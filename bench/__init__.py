"""Measurements: what a link costs, beside the original script and beside a plain loop. Not in the wheel."""
