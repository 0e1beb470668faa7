"""Many labs: the plan, what is there, one lab from beginning to end, side by side."""
