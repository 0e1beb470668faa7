"""Why credentials are refused, in words of the service, and what to do about it. Pure.

The words are guesses: VMware documents the policies, and not what its services say. So none of them is
needed: where no pattern fits, the service's words stand for themselves.
"""

import re

_MFA = (
    "The {name} asks for an MFA code, which no program can give: make one without MFA, or use an OAuth app."
)
_IP_POLICY = (
    "The organisation's IP policy keeps this machine out, the {name} is not the cause: run it from an "
    "allowed network, or ask an organisation owner."
)
_HOLD = (
    "The organisation is on hold, the {name} is not the cause: an organisation owner has to release it in "
    "the Cloud Services Console."
)
_POLICIES = (
    (r"mfa|multi-?\s?factor|passcode|one-time", _MFA),
    (r"\bip\b|network polic|location|geo-", _IP_POLICY),
    (r"\bon hold\b|organi[sz]ation hold|suspended", _HOLD),
)
"""Words of the service, and what they mean. Source of the policies: VMware Cloud Services documents
("Configure authentication policy", "API tokens"), Broadcom KB 410775 (hold)."""
_DEAD = (
    (r"deactivat|disabled|inactive", "It was deactivated, which an organisation owner can do"),
    (r"regenerat|superseded", "It was regenerated, which ends the earlier one"),
    (
        r"expired|revoked|invalid|not found|unknown|no such",
        "It may be mistyped, expired, revoked or regenerated since",
    ),
)


def policy_hint(reason: str, name: str) -> str | None:
    """What to do about a policy that keeps valid credentials out; None where the reason names none."""
    found = (hint for pattern, hint in _POLICIES if re.search(pattern, reason, re.IGNORECASE))
    hint = next(found, None)
    return hint and hint.format(name=name)


def token_hint(reason: str, name: str, setting: str) -> str:
    """What to do where the token service does not exchange the credentials.

    Args:
        reason: the service's.
        name: what the credentials are.
        setting: where they are set.
    """
    if hint := policy_hint(reason, name):
        return hint
    found = (why for pattern, why in _DEAD if re.search(pattern, reason, re.IGNORECASE))
    why = next(found, "Check it in the Cloud Services Console (My Account, API Tokens)")
    return f"{why}: set a valid one ({setting})."
