"""The stacks of every account and region: what an operation does, and what the stacks show by the clock.

An operation's outcome is settled in the request that starts it: resources are made, changed or removed
at once, and VMware's function runs at once. Only the stack's status and events take time, so the link's
record can appear shortly before CREATE_COMPLETE, as it can with the real service.
"""

import dataclasses
import threading
from collections.abc import Mapping
from datetime import datetime

from moto.cloudformation.models import Stack

from sandbox.clock import Clock
from sandbox.cloudformation import resources
from sandbox.cloudformation.errors import Refusal, does_not_exist, validation_error
from sandbox.cloudformation.lifecycle import (
    UPDATABLE,
    Action,
    Failure,
    OnFailure,
    Operation,
    StackResource,
    is_in_progress,
)
from sandbox.cloudformation.records import (
    StackRecord,
    StackRequest,
    differs,
    interrupted,
    parameter_values,
)
from sandbox.cloudformation.resources import AccountRegion, ResourceRefused
from sandbox.cloudformation.template import Template, check_capabilities
from sandbox.modes import ModeSwitch, StackOutcome
from sandbox.vmc.organizations import LinkRegistry
from sandbox.vmc.state import LinkRefused

ROLES_OF_A_LINK = ("RemoteRole", "RemoteRolePayer", "RemoteRoleService")
_REPORT = "Received response status [FAILED] from custom resource. Message returned: {message}"
_PLANNED_FAILURE = "The sandbox rolls the stack back as planned."


class Stacks:
    """All stacks; safe across server threads."""

    def __init__(self, *, clock: Clock, modes: ModeSwitch, links: LinkRegistry) -> None:
        self._clock = clock
        self._modes = modes
        self._links = links
        self._records: dict[str, StackRecord] = {}
        self._lock = threading.RLock()

    def now(self) -> datetime:
        """The moment by which everything is shown."""
        return self._clock.now()

    def list(self, account_region: AccountRegion) -> list[StackRecord]:
        """Every stack of an account and region, the gone ones too, newest first."""
        with self._lock:
            return [record for record in self._records.values() if record.account_region == account_region][
                ::-1
            ]

    def find(self, account_region: AccountRegion, name_or_id: str) -> StackRecord:
        """A stack by its ARN (gone ones too) or by its name (only if it is not gone).

        Raises:
            Refusal: "Stack with id … does not exist".
        """
        now = self.now()
        for record in self.list(account_region):
            if record.stack_id == name_or_id:
                return record
            if record.name == name_or_id and record.status(now) != "DELETE_COMPLETE":
                return record
        raise does_not_exist(name_or_id)

    def create(self, account_region: AccountRegion, request: StackRequest) -> str:
        """Start a stack; returns its ARN.

        Raises:
            Refusal: the request is refused before anything is made.
        """
        with self._lock:
            if living := self._living(account_region, request.name):
                if _repeats(request, living, Action.CREATE):
                    return living.stack_id
                raise Refusal("AlreadyExistsException", f"Stack [{request.name}] already exists")
            template = request.template
            if template is None:
                raise validation_error("Either Template URL or Template Body must be specified.")
            check_capabilities(template, request.capabilities)
            parameters = parameter_values(template, request.parameters, {})
            failure = None
            try:
                made = resources.create_resources(
                    account_region, request.name, template, parameters, request.tags or {}
                )
                failure = self._run_links(account_region, made, before={})
            except ResourceRefused as error_response:
                failure = error_response.failure
            stack = resources.find(account_region, request.name)
            if stack is None:
                raise AssertionError("moto has lost the stack it made")
            touched = tuple(
                one for one in resources.resources_of(stack) if not failure or one != failure.resource
            )
            on_failure = OnFailure.DO_NOTHING if request.disable_rollback else request.on_failure
            if failure and on_failure is not OnFailure.DO_NOTHING:
                resources.remove_resources(stack)
                resources.forget(account_region, stack)
            record = StackRecord(
                account_region=account_region,
                name=request.name,
                stack_id=stack.stack_id,
                request=request,
                template=template,
                parameters=parameters,
                created_at=self.now(),
                operations=(),
                made=stack if not failure or on_failure is OnFailure.DO_NOTHING else None,
            )
            self._start(
                record,
                Action.CREATE,
                touched=touched,
                failure=failure,
                request=request,
                on_failure=on_failure,
            )
            return record.stack_id

    def update(self, account_region: AccountRegion, request: StackRequest) -> str:
        """Start an update; returns the stack's ARN.

        Raises:
            Refusal: the stack's status does not allow it, or nothing would change.
        """
        with self._lock:
            record = self.find(account_region, request.name)
            if _repeats(request, record, Action.UPDATE):
                return record.stack_id
            status = record.status(self.now())
            if status not in UPDATABLE or record.made is None:
                raise validation_error(
                    f"Stack:{record.stack_id} is in {status} state and can not be updated."
                )
            template = request.template or record.template
            check_capabilities(template, request.capabilities)
            parameters = parameter_values(template, request.parameters, record.parameters)
            requested = dataclasses.replace(
                request,
                tags=record.request.tags if request.tags is None else request.tags,
                role_arn=request.role_arn or record.request.role_arn,
                notification_arns=(
                    record.request.notification_arns
                    if request.notification_arns is None
                    else request.notification_arns
                ),
                timeout_in_minutes=record.request.timeout_in_minutes,
                disable_rollback=record.request.disable_rollback,
            )
            if not differs(record, requested, template, parameters):
                raise validation_error("No updates are to be performed.")
            failure, touched = self._change(record, template, parameters)
            if failure is None:
                record = dataclasses.replace(
                    record, request=requested, template=template, parameters=parameters
                )
            self._start(record, Action.UPDATE, touched=touched, failure=failure, request=request)
            return record.stack_id

    def delete(
        self, account_region: AccountRegion, name_or_id: str, *, client_request_token: str | None = None
    ) -> None:
        """Start a deletion; a stack that is gone or going is none to refuse.

        Raises:
            Refusal: the stack is being updated.
        """
        with self._lock:
            try:
                record = self.find(account_region, name_or_id)
            except Refusal:
                return
            status = record.status(self.now())
            if status in {"DELETE_COMPLETE", "DELETE_IN_PROGRESS"}:
                return
            if is_in_progress(status) and status.startswith("UPDATE_"):
                raise validation_error(
                    f"Stack [{record.stack_id}] cannot be deleted while in status {status}"
                )
            touched = record.resources()
            failure = resources.remove_resources(record.made) if record.made else None
            if failure:
                touched = tuple(one for one in touched if one not in record.resources())
            elif record.made:
                resources.forget(account_region, record.made)
                record = dataclasses.replace(record, made=None)
            request = dataclasses.replace(record.request, client_request_token=client_request_token)
            self._start(record, Action.DELETE, touched=touched, failure=failure, request=request)

    def _living(self, account_region: AccountRegion, name: str) -> StackRecord | None:
        now = self.now()
        named = (one for one in self.list(account_region) if one.name == name)
        return next((one for one in named if one.status(now) != "DELETE_COMPLETE"), None)

    def _change(
        self, record: StackRecord, template: Template, parameters: Mapping[str, str]
    ) -> tuple[Failure | None, tuple[StackResource, ...]]:
        """Change the resources, or leave them as they were and say why."""
        stack = record.made
        if stack is None:
            raise AssertionError("only a stack with resources is updated")
        before = {key: dict(value) for key, value in resources.links_of(stack).items()}
        failure = None
        try:
            resources.update_resources(record.account_region, stack, template, parameters)
            failure = self._run_links(record.account_region, stack, before=before)
        except ResourceRefused as error_response:
            failure = error_response.failure
        touched = tuple(
            one
            for one in resources.resources_of(stack)
            if template.resources.get(one.logical_id) != record.template.resources.get(one.logical_id)
            and not (failure and failure.resource.logical_id == one.logical_id)
        )
        if failure:
            resources.update_resources(record.account_region, stack, record.template, record.parameters)
        return failure, touched

    def _run_links(
        self, account_region: AccountRegion, stack: Stack, *, before: Mapping[str, Mapping[str, object]]
    ) -> Failure | None:
        """Play VMware's function for each custom resource that is new or changed."""
        wants_failure = self._modes.current.stack_outcome is StackOutcome.ROLL_BACK
        links = resources.links_of(stack)
        kinds = {one.logical_id: one for one in resources.resources_of(stack)}
        for logical_id, properties in links.items():
            if before.get(logical_id) == properties and not wants_failure:
                continue
            if wants_failure:
                message = _PLANNED_FAILURE
            else:
                try:
                    arns = resources.role_arns_of(stack)
                    self._links.complete_link(
                        link_id=str(properties.get("LinkId", "")),
                        account_number=account_region.account_number,
                        stack_name=stack.name,
                        role_arns={role: arns[role] for role in ROLES_OF_A_LINK if role in arns},
                    )
                    continue
                except LinkRefused as error_response:
                    message = str(error_response)
            return Failure(resource=kinds[logical_id], reason=_REPORT.format(message=message))
        if wants_failure:
            last = list(kinds.values())[-1]
            return Failure(resource=last, reason=_PLANNED_FAILURE)
        return None

    def _start(
        self,
        record: StackRecord,
        action: Action,
        *,
        touched: tuple[StackResource, ...],
        failure: Failure | None,
        request: StackRequest,
        on_failure: OnFailure = OnFailure.ROLLBACK,
    ) -> None:
        operation = Operation(
            action=action,
            stack_name=record.name,
            stack_id=record.stack_id,
            started_at=self.now(),
            seconds=self._modes.current.stack_seconds,
            resources=touched,
            failure=failure,
            on_failure=on_failure,
            client_request_token=request.client_request_token,
        )
        # An interrupted create or rollback shows no more of itself once the deletion has begun.
        earlier = tuple(interrupted(one, operation.started_at) for one in record.operations)
        self._records[record.stack_id] = dataclasses.replace(record, operations=(*earlier, operation))


def _repeats(request: StackRequest, record: StackRecord, action: Action) -> bool:
    """Whether a request is the one that started the stack's last operation, sent again."""
    last = record.operations[-1]
    token = request.client_request_token
    return token is not None and last.action is action and last.client_request_token == token
