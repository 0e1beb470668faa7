"""The fleet command: an event's labs from one spec, a Pulumi stack each. It is not in the wheel."""
