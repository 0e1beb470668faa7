"""The Pulumi engine: the runner of its CLI, a lab's program and dynamic provider, the SDK's private parts."""
