"""What can go wrong, as one tree; every message is one line without a secret.

VmcError
├─ SettingsError         a setting is missing, malformed or contradicts another
├─ ServiceUnreachable    the service gave no response
│  ├─ RequestNotSent     it never got the request: it cannot have acted
│  └─ ResponseLost       it may have acted: look before repeating
├─ Refused               the service answered with an error
│  ├─ Unauthenticated    401
│  ├─ TokenRefused       the token service does not exchange the credentials
│  ├─ Forbidden          403
│  ├─ NotFound           404
│  └─ Unavailable        429 and 5xx
├─ UnexpectedAnswer      an answer that is not what the API document promises
│  └─ Redirected         the service is somewhere else now
├─ TemplateRejected      the link's template is not one to run
├─ InternalError         a bug in this package: an exception that nobody foresaw
└─ LinkError             the link itself
   ├─ AlreadyLinked      another stack made the link that exists
   ├─ NotLinked          there is no ACTIVE link to use
   ├─ LinkExpired        the link in the state can't be run any more
   ├─ LinkFailed         the service gave up
   ├─ LinkTimedOut       our own deadline passed
   ├─ WaitInterrupted    the person pressed Ctrl-C
   ├─ LinkInUse          SDDCs use the link that was to be renewed
   ├─ OwnerUnclear       there is a link, and nothing shows whose it is
   ├─ SubnetsDoNotFit    the chosen subnets are none that an SDDC can use
   ├─ UnlinkTimedOut     an unlinked account did not leave the list
   ├─ StackLeft          AWS still has a CloudFormation stack that was to be deleted
   └─ WrongAccount       the AWS credentials are of another account, or of none

CommandFailed            a command could not do what was asked
├─ RequestError          the request itself is wrong; nothing was changed
├─ Interrupted           the person pressed Ctrl-C while something was waited for
├─ StateUnreadable       the engine can't read the Pulumi stack's state
└─ StackLocked           the engine says that the Pulumi stack is locked
"""

import copy
import re
from collections.abc import Iterable
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

import pulumi

_LONGEST_QUOTE = 400
"""Characters of a service's own text that a message quotes."""
_LONGEST_READ = 20 * _LONGEST_QUOTE
"""Characters of it that are looked at: what comes after can't be quoted, and patterns take their time."""
_LONGEST_PARTS = (300, 500, 400)
"""Characters of what was asked, came back and is to be done: each may hold a name that the service gave."""

_URL = re.compile(r"https?://[^\s\"'<>]+", re.IGNORECASE)
_SHORTEST_SECRET = 8
"""Characters: of a URL's segments, shorter ones are words."""


class SecretText(str):
    """A secret whose `repr` is dots: what a debugger, a log of arguments or a test's report shows.

    Itself it is the text: where it is put into a request, or joined to another string.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        """Three dots, as long as it may be."""
        return "'...'"


def url_origin(url: str) -> str:
    """Return a URL's scheme, host and port.

    All the rest may be a secret: a query can hold a signature, and a template of the service's own lies under
    a path with a token in it.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return "a malformed URL"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def url_secrets(url: str) -> tuple[str, ...]:
    """What of a template's URL no message may hold: the long segments of its path, its query's values."""
    try:
        parts = urlsplit(url)
        texts = [*parts.path.split("/"), *(value for _, value in parse_qsl(parts.query))]
    except ValueError:
        return ()
    return tuple(text for text in texts if len(text) >= _SHORTEST_SECRET)


def safe_text(text: str, secrets: Iterable[str] = ()) -> str:
    """Return a service's text as one short line, its URLs cut to their origins, without any of `secrets`."""
    return _one_line(without_secrets(text[:_LONGEST_READ], secrets), _LONGEST_QUOTE)


def without_secrets(text: str, secrets: Iterable[str] = ()) -> str:
    """Return a text with its URLs cut to their origins, and without any of `secrets`.

    Anything of eight characters or more that starts like a secret is taken out as well, because the
    token service quotes the beginning of a token it refuses.
    """
    for secret in secrets:
        if len(secret) >= _SHORTEST_SECRET:
            text = re.sub(re.escape(secret[:8]) + r"[^\s\"',;)]*", "[secret]", text)
        elif secret:
            text = text.replace(secret, "[secret]")
    return _URL.sub(lambda found: url_origin(found[0]), text)


def _one_line(text: str, longest: int) -> str:
    """Cut a text short, without line breaks and what a terminal would obey or can't show."""
    shown = "".join(character if character.isprintable() else " " for character in text[:_LONGEST_READ])
    shown = " ".join(shown.split())
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


class VmcError(pulumi.RunError):
    """Something the person at the keyboard has to know, in one line.

    A `pulumi.RunError`, because the engine's Python host prints the message of one without a traceback.
    """

    def __init__(self, action: str, detail: str, hint: str) -> None:
        """Compose the line.

        Args:
            action: what was asked, in words ("list the connected accounts of organisation …").
            detail: what came back, already safe to show.
            hint: what to do about it, as a sentence.
        """
        parts = zip((action, detail, hint), _LONGEST_PARTS, strict=True)
        action, detail, hint = (_one_line(text, longest) for text, longest in parts)
        super().__init__(f"{action}: {detail.rstrip('.')}. {hint}")
        self.action = action
        self.detail = detail
        self.hint = hint

    def with_hint(self, hint: str) -> Self:
        """The same error with something else to do."""
        error = copy.copy(self)
        VmcError.__init__(error, self.action, self.detail, hint)
        return error

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel to another process as what it is: Python would call the constructor with the line alone."""
        return _restored, (type(self), self.args, self.__dict__)


def _restored(kind: type[VmcError], args: tuple[Any, ...], state: dict[str, Any]) -> VmcError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


class SettingsError(VmcError):
    """A setting is missing, malformed or contradicts another."""


class ServiceUnreachable(VmcError):
    """The service could not be reached, or its answer was lost."""


class RequestNotSent(ServiceUnreachable):
    """The request never reached the service, so it cannot have acted."""


class ResponseLost(ServiceUnreachable):
    """The connection broke or timed out after sending: the service may have acted."""


class Refused(VmcError):
    """The service answered with an error status."""

    def __init__(
        self,
        action: str,
        detail: str,
        hint: str,
        *,
        status: int,
        code: str | None = None,
        retryable: bool | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        """Keep what decides about a repeat beside the message.

        Args:
            action: see `VmcError`.
            detail: see `VmcError`.
            hint: see `VmcError`.
            status: the HTTP status.
            code: the service's `error_code`.
            retryable: the service's own word, None where it said nothing.
            retry_after_seconds: of the `Retry-After` header.
        """
        super().__init__(action, detail, hint)
        self.status = status
        self.code = code
        self.retryable = retryable
        self.retry_after_seconds = retry_after_seconds


class Unauthenticated(Refused):
    """401: the token is not known, or no longer."""


class Forbidden(Refused):
    """403: the token is known and lacks a role in this organisation."""


class NotFound(Refused):
    """404: the service says that there is no such thing."""


class TokenRefused(Refused):
    """The token service does not exchange the credentials for an access token."""


class Unavailable(Refused):
    """429 or 5xx: not now."""


class UnexpectedAnswer(VmcError):
    """The service's answer is not of the form that its API document describes."""


class Redirected(UnexpectedAnswer):
    """A redirect: it is never followed, because a token or a link would follow it."""


class TemplateRejected(VmcError):
    """The link's template comes from an unknown host, is too large, or is no template."""


class InternalError(VmcError):
    """A bug in this package: an exception that nobody foresaw (`internal_errors`)."""


class LinkError(VmcError):
    """The link cannot be made, kept or removed."""


class AlreadyLinked(LinkError):
    """The account is linked by another CloudFormation stack."""


class NotLinked(LinkError):
    """There is no ACTIVE link to use."""


class LinkExpired(LinkError):
    """The CloudFormation stack would be created from a link that has expired."""


class LinkFailed(LinkError):
    """The service gave up: its task FAILED or was CANCELED."""


class LinkTimedOut(LinkError):
    """Our own deadline passed before the account was connected."""


class WaitInterrupted(LinkError):
    """The person pressed Ctrl-C while something was waited for."""


class LinkInUse(LinkError):
    """SDDCs use the link that was to be renewed."""


class OwnerUnclear(LinkError):
    """The account is linked, and it is not clear whether by our link."""


class SubnetsDoNotFit(LinkError):
    """The chosen subnets can't be used by an SDDC of this type."""


class StackLeft(LinkError):
    """AWS still has the link's CloudFormation stack at the end of a destroy."""


class UnlinkTimedOut(LinkError):
    """An unlinked account did not leave the service's list."""


class WrongAccount(LinkError):
    """The AWS credentials are of another account than expected, or AWS refuses them."""


class CommandFailed(pulumi.RunError):
    """A command failed; the text is one line that says what to do."""


class RequestError(CommandFailed):
    """The request itself is wrong; nothing was changed."""


class Interrupted(CommandFailed):
    """The person pressed Ctrl-C while something was waited for."""


class StateUnreadable(CommandFailed):
    """The engine can't read the Pulumi stack's state; the text is the engine's."""


class StackLocked(CommandFailed):
    """The engine says that the Pulumi stack is locked; the text is the engine's."""
