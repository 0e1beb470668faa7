"""The engine as far as our resources notice it: which provider methods it calls, in which order, with what.

Each behaviour names its source: `engine.md` is what was seen on the real engine, `test_engine_model.py`
holds this model against it.

Not modelled: parallel steps, secrets, aliases, targets, crashes (they have a sweep of their own).
"""

import dataclasses
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Protocol

Values = dict[str, Any]


class Unknown:
    """A value that is not known yet; to a provider an object that is no string."""

    def __repr__(self) -> str:
        return "<unknown>"


UNKNOWN = Unknown()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A provider's answer to Diff."""

    changes: bool
    replaces: bool = False
    delete_before_replace: bool = False


class StepFailed(Exception):
    """A provider's error; the text is what the person sees, the cause is what was raised."""


class InitFailed(StepFailed):
    """A resource that was made, or changed, and is not in order: the engine stores it with its errors.

    Source: engine.md, "A failed create is not a plain error".
    """

    def __init__(self, text: str, id_: str, outputs: Values) -> None:
        """Take what is stored."""
        super().__init__(text)
        self.id = id_
        self.outputs = outputs


class Provider(Protocol):
    """One resource type; every method may raise `StepFailed`."""

    def start(self) -> None:
        """Start its process, if it has one of its own."""

    def check(self, olds: Values, news: Values) -> Values:
        """Inputs -> checked inputs."""

    def diff(self, id_: str, olds: Values, news: Values) -> Difference:
        """Stored outputs against new inputs."""

    def create(self, inputs: Values) -> tuple[str, Values]:
        """Id and outputs."""

    def update(self, id_: str, olds: Values, news: Values) -> Values:
        """Outputs."""

    def read(self, id_: str, outputs: Values, inputs: Values) -> tuple[Values, Values] | None:
        """Outputs and inputs as they are; None: gone."""

    def delete(self, id_: str, outputs: Values) -> None:
        """Return when it is gone."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """One resource of the program."""

    name: str
    provider: Provider
    inputs: Callable[[Mapping[str, Values]], Values]
    """Outputs of the resources before it -> its inputs."""
    reads: Mapping[str, str]
    """Input -> the resource whose outputs it comes from."""
    replaces_on_init_error: bool = False
    """`replace_on_changes=["#initerror"]`."""
    delete_before_replace: bool = False
    before: Callable[[Values, Values], None] | None = None
    """Hook before a creation or an update: old and new inputs; it may raise `StepFailed`."""
    after: Callable[[Values, Values], None] | None = None
    """Hook after a creation or an update: old and new outputs."""
    on_error: Callable[[str], None] | None = None
    """Hook of a creation or an update that failed: the provider's message."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One resource of the state."""

    id: str
    inputs: Values
    outputs: Values
    reads: Mapping[str, str]
    modified: datetime
    """When it was last made or changed, by the engine's clock."""
    init_errors: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A finished operation."""

    error: StepFailed | None

    @property
    def succeeded(self) -> bool:
        """Whether it would exit with 0."""
        return self.error is None

    @property
    def cause(self) -> BaseException | None:
        """What was raised, where it failed."""
        return self.error.__cause__ if self.error else None


class Engine:
    """One Pulumi stack: its state, and the operations on it."""

    def __init__(self, program: Callable[[], Sequence[Declaration]], now: Callable[[], datetime]) -> None:
        """Take the program.

        Args:
            program: runs it; may raise `StepFailed` as a program may end with an error.
            now: the clock of the machine that runs it.
        """
        self._program = program
        self.now = now
        self.state: dict[str, Resource] = {}
        """In the order of creation."""
        self._declared: Mapping[str, Declaration] = {}
        self._pending_deletes: list[tuple[Provider, Resource]] = []

    def preview(self) -> Outcome:
        """Ask what an update would do; outputs of what it would make or change are unknown.

        Source: engine.md, "the preview shows it unknown"; providers without preview are not called.
        """

        def run(declarations: Sequence[Declaration]) -> None:
            known: dict[str, Values] = {}
            for declaration in declarations:
                known[declaration.name] = self._foresee(declaration, known)

        return self._outcome(run)

    def up(self, *, replace: Collection[str] = ()) -> Outcome:
        """Bring every resource to what the program says; a failing step stops it and keeps what is done.

        Args:
            replace: resources to replace whatever their diff says (`--replace`).
        """

        def run(declarations: Sequence[Declaration]) -> None:
            known: dict[str, Values] = {}
            for declaration in declarations:
                self._settle(declaration, known, replace)
                known[declaration.name] = _Settled(self.state[declaration.name].outputs)
            # What was replaced create-first goes at the end.
            while self._pending_deletes:
                provider, old = self._pending_deletes[-1]
                provider.delete(old.id, old.outputs)
                self._pending_deletes.pop()

        return self._outcome(run)

    def refresh(self) -> Outcome:
        """Read every resource. What is gone leaves the state; init errors are forgotten, seen or not.

        All are read at the same time: one that can't be read does not keep what the others found out of
        the state. Source: seen on the engine; ADR 0006 for the errors.
        """

        def run(declarations: Sequence[Declaration]) -> None:
            failures = []
            for declaration in declarations:
                try:
                    self._refresh(declaration)
                except StepFailed as error:
                    failures.append(error)
            if failures:
                raise failures[0]

        return self._outcome(run, runs_program=False)

    def destroy(self) -> Outcome:
        """Delete everything, dependents first; a delete that raises stops it and the rest stays.

        The providers of all of them are started before the first goes. Source: engine.md, "A `delete` that
        raises", and seen on the engine.
        """

        def run(declarations: Sequence[Declaration]) -> None:
            for declaration in declarations:
                if declaration.name in self.state:
                    declaration.provider.start()
            for declaration in reversed(declarations):
                if declaration.name in self.state:
                    self._delete(declaration)
            self._pending_deletes.clear()

        return self._outcome(run, runs_program=False)

    def _outcome(self, run: Callable[[Sequence[Declaration]], None], *, runs_program: bool = True) -> Outcome:
        try:
            if runs_program:
                self._declared = {declaration.name: declaration for declaration in self._program()}
            run(list(self._declared.values()))
        except StepFailed as error:
            return Outcome(error=error)
        return Outcome(error=None)

    def _foresee(self, declaration: Declaration, known: Mapping[str, Values]) -> Values:
        old = self.state.get(declaration.name)
        news = declaration.provider.check(old.inputs if old else {}, declaration.inputs(known))
        if old is not None:
            difference = declaration.provider.diff(old.id, old.outputs, news)
            replaces = difference.replaces or (old.init_errors and declaration.replaces_on_init_error)
            if not (difference.changes or replaces):
                return _Settled(old.outputs)
            if not replaces:
                return _Foreseen({**news, "id": old.id})
        return _Foreseen(news)

    def _settle(
        self, declaration: Declaration, known: Mapping[str, Values], replace: Collection[str]
    ) -> None:
        """One resource's steps: same, create, update, or replace.

        Init errors make an update of a resource without a difference, and a replacement where
        `#initerror` is among `replace_on_changes` (engine.md, "Failed creates and crashes").
        """
        name, provider = declaration.name, declaration.provider
        old = self.state.get(name)
        is_targeted = name in replace
        news = provider.check(old.inputs if old and not is_targeted else {}, declaration.inputs(known))
        if old is None:
            self._create(declaration, news)
            return
        difference = (
            Difference(changes=True, replaces=True)
            if is_targeted
            else provider.diff(old.id, old.outputs, news)
        )
        if difference.replaces or (old.init_errors and declaration.replaces_on_init_error):
            if declaration.delete_before_replace or difference.delete_before_replace:
                self._delete_with_dependents(name)
            else:
                self._pending_deletes.append((provider, old))
            self._create(declaration, news)
        elif difference.changes or old.init_errors:
            self._run_hook(declaration.before, old.inputs, news)
            with self._noting_failures(declaration, news):
                outputs = provider.update(old.id, old.outputs, news)
                self._store(declaration, old.id, news, outputs)
            self._run_hook(declaration.after, old.outputs, outputs)
        else:
            self._store(declaration, old.id, news, old.outputs, modified=old.modified)

    def _create(self, declaration: Declaration, news: Values) -> None:
        self._run_hook(declaration.before, {}, news)
        with self._noting_failures(declaration, news):
            id_, outputs = declaration.provider.create(news)
            self._store(declaration, id_, news, outputs)
        self._run_hook(declaration.after, {}, outputs)

    @staticmethod
    def _run_hook(hook: Callable[[Values, Values], None] | None, olds: Values, news: Values) -> None:
        """A creation's hooks see nothing old, a replacement's either. Source: the SDK's ResourceHookArgs."""
        if hook is not None:
            hook(olds, news)

    @contextmanager
    def _noting_failures(self, declaration: Declaration, news: Values) -> Iterator[None]:
        """A failed create or update that says what it made is stored with its error, another is not."""
        try:
            yield
        except StepFailed as failure:
            if isinstance(failure, InitFailed):
                self._store(declaration, failure.id, news, failure.outputs, init_errors=(str(failure),))
            if declaration.on_error is not None:
                declaration.on_error(str(failure))
            raise

    def _store(
        self,
        declaration: Declaration,
        id_: str,
        inputs: Values,
        outputs: Values,
        *,
        modified: datetime | None = None,
        init_errors: tuple[str, ...] = (),
    ) -> None:
        self.state[declaration.name] = Resource(
            id=id_,
            inputs=inputs,
            outputs={**outputs, "id": id_},
            reads=declaration.reads,
            modified=modified or self.now(),
            init_errors=init_errors,
        )

    def _refresh(self, declaration: Declaration) -> None:
        old = self.state.get(declaration.name)
        if old is None:
            return
        found = declaration.provider.read(old.id, old.outputs, old.inputs)
        if found is None:
            self._forget(declaration.name)
            return
        outputs, inputs = found
        self.state[declaration.name] = dataclasses.replace(
            old, inputs=inputs, outputs={**outputs, "id": old.id}, init_errors=()
        )

    def _delete_with_dependents(self, name: str) -> None:
        """Delete a resource that is to be replaced delete-first, its dependents before it.

        A dependent is asked (Diff) with its old inputs, those that come from what is replaced unknown; it
        goes first only if it answers that it is to be replaced. What is deleted is as good as not there
        until the update comes to it.
        """
        replaced = [name]
        for other in self._declared:
            resource = self.state.get(other)
            if resource is None:
                continue
            unknown = {key for key, source in resource.reads.items() if source in replaced}
            if not unknown:
                continue
            news = {key: UNKNOWN if key in unknown else value for key, value in resource.inputs.items()}
            if self._declared[other].provider.diff(resource.id, resource.outputs, news).replaces:
                replaced.append(other)
        for other in reversed(replaced):
            self._delete(self._declared[other])

    def _delete(self, declaration: Declaration) -> None:
        old = self.state[declaration.name]
        declaration.provider.delete(old.id, old.outputs)
        self._forget(declaration.name)

    def _forget(self, name: str) -> None:
        """Take a resource out of the state, and out of what the others depend on."""
        del self.state[name]
        for other, resource in self.state.items():
            reads = {key: source for key, source in resource.reads.items() if source != name}
            self.state[other] = dataclasses.replace(resource, reads=reads)


class _Settled(dict[str, Any]):
    """Outputs of a resource that is there: what it has not is None."""

    def __missing__(self, _key: str) -> None:
        return None


class _Foreseen(dict[str, Any]):
    """Outputs on a preview: what is not an input is unknown."""

    def __missing__(self, _key: str) -> Unknown:
        return UNKNOWN
