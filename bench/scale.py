"""How large a run is: the full one, or the smoke run of `make test`."""

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """What every question is asked with."""

    repetitions: int
    """How often each contender runs, in turn with the others."""
    is_smoke: bool = False
    """Tiny sizes and an AWS provider that looks sooner: shows that the bench works, measures nothing."""

    @property
    def first_poll_seconds(self) -> float | None:
        """See `bench.cloud.cloud`."""
        return 0.1 if self.is_smoke else None
