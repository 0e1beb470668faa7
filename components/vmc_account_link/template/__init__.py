"""The link's template: where it may come from, how it is read, what it makes, what the policy allows."""
