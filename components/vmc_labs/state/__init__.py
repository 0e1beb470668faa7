"""What Pulumi's backends hold of a lab: one reader of a state, and where states are read from."""
