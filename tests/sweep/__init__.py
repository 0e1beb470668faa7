"""The bulk sweeps: `python -m tests.sweep SWEEP FOLDER`; `harness` says how to add a case."""
