"""How long Hypothesis searches: briefly, and the same everywhere; the sweep takes other seeds."""

from hypothesis import HealthCheck, settings

PROFILE = settings(
    max_examples=25,
    stateful_step_count=30,
    derandomize=True,
    deadline=None,
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
