"""The page for the people in the room: what became of each lab, when, and what to hand out."""
