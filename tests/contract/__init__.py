"""VMware's API as far as account linking goes: its model, and what may come within it."""
