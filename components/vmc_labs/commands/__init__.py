"""One module for each verb: request -> outcome, without parsing, exiting or printing."""
