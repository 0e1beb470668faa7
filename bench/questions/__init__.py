"""One module a question: how it is asked, what the figures must be, how it is drawn."""
