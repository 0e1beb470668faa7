"""Refusals as AWS words them."""


class Refusal(Exception):
    """A request that CloudFormation answers with an error at once.

    Args:
        code: AWS's error code, `ValidationError` for most.
        message: one line in AWS's words.
        status: the HTTP status.
    """

    def __init__(self, code: str, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


def validation_error(message: str) -> Refusal:
    """The refusal behind most of CloudFormation's answers."""
    return Refusal("ValidationError", message)


def does_not_exist(name_or_id: str) -> Refusal:
    """The answer for a name nobody bears, or bears no more."""
    return validation_error(f"Stack with id {name_or_id} does not exist")
