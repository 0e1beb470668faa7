"""Tools of the checkout. None of them is in the wheel."""
