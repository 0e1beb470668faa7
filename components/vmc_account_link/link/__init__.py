"""Decisions about a link: how far it is, whose it is, when another one is requested. Pure but the wait."""
