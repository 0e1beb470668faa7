"""Fleets of full size on the real engine: what they cost, and a driver killed at a random moment."""
