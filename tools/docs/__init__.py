"""What the documentation's build adds to the pages in `docs/`."""
