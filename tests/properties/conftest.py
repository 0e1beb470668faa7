"""How long Hypothesis looks: briefly and the same everywhere, or long and somewhere else each time."""

import os

from hypothesis import HealthCheck, Phase, settings

settings.register_profile(
    "test",
    max_examples=25,
    stateful_step_count=30,
    derandomize=True,
    deadline=None,
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.register_profile("sweep", settings.get_profile("test"), max_examples=500, derandomize=False)
# For tests.guards: that something is found is enough.
settings.register_profile(
    "guards",
    settings.get_profile("test"),
    phases=[Phase.explicit, Phase.generate],
    report_multiple_bugs=False,
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "test"))
