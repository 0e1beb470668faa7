"""All guards, in the order of the report. Data alone."""

from tests.guards.of_a_link import ADOPTING, MAKING, REMOVING, RENEWING, WAITING
from tests.guards.of_labs import FLEETS, RECOVERING, SANDBOX
from tests.guards.of_the_wire import CONFIGURATION, READING, REPEATING, SECRETS, TEMPLATES

GUARDS = (
    *MAKING,
    *WAITING,
    *REMOVING,
    *RENEWING,
    *ADOPTING,
    *REPEATING,
    *READING,
    *TEMPLATES,
    *CONFIGURATION,
    *SECRETS,
    *RECOVERING,
    *FLEETS,
    *SANDBOX,
)
