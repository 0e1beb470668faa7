"""The fleet command: an event's labs from one spec, a Pulumi stack each. In the wheel beside the component."""
