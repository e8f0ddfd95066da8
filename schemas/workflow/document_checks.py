"""Is this JSON a workflow at all: keys, types and fixed values of steps, links and config fields.

Every function here raises `WorkflowRefused` with the code, the JSON pointer and the step, or says nothing.
"""

from __future__ import annotations

from typing import Any, Final

from schemas.errors import WorkflowRefused
from schemas.workflow.jsontext import compact
from schemas.workflow.model import CONDITION, CONDITION_TASK, FOREACH, FOREACH_TASK, PORTS

MAX_STEPS: Final = 1000
MAX_LINKS: Final = 10_000

_STEP_KEYS: Final[dict[str, tuple[type, ...]]] = {
    "step_id": (str, int),
    "step_position": (list, type(None)),
    "config_field_values": (list,),
    "task_id": (str,),
    "task_version": (str,),
    "task_type": (str,),
    "description": (str, type(None)),
    "note": (str, type(None)),
    "name": (str, type(None)),
}
_NEEDED: Final = ("step_id", "task_id", "task_version", "task_type")
_LINK_KEYS: Final = frozenset({"from_step_id", "from_port_id", "to_step_id", "to_port_id"})
_ROOT_KEYS: Final[dict[str, tuple[type, ...]]] = {
    "steps": (list,),
    "links": (list,),
    "patched_fields": (list,),
    "variables": (list,),
    "note": (str, type(None)),
    "vertical_layout_enabled": (bool,),
    "workflow_name": (str,),
}
FORBIDDEN: Final = "WORKFLOW_FIELD_NOT_ALLOWED"
STRUCTURE: Final = "WORKFLOW_STRUCTURE_INVALID"


def root_of(value: Any) -> tuple[dict[str, Any], str]:
    if not isinstance(value, dict):
        raise WorkflowRefused("INVALID_WORKFLOW_JSON", f"expected an object, found {kind_of(value)}")
    if "root" not in value:
        if "steps" not in value:
            raise WorkflowRefused(STRUCTURE, "neither 'root' nor 'steps': this is not a workflow")
        return value, ""
    for key in value:
        if key not in ("root", "__metadata"):
            raise WorkflowRefused(FORBIDDEN, f"unknown key {key!r} beside root", path=f"/{key}")
    if "__metadata" in value and compact(value["__metadata"]) != '{"version":0.1}':
        raise WorkflowRefused(
            STRUCTURE,
            f"only version 0.1 is known, found {compact(value['__metadata'])[:60]}",
            path="/__metadata",
        )
    if not isinstance(value["root"], dict):
        raise WorkflowRefused(
            STRUCTURE, f"root must be an object, found {kind_of(value['root'])}", path="/root"
        )
    return value["root"], "/root"


def check_root(root: dict[str, Any], where: str) -> None:
    """The keys of the root object."""
    for key, value in root.items():
        kinds = _ROOT_KEYS.get(key)
        if kinds is None:
            raise WorkflowRefused(FORBIDDEN, f"unknown key {key!r}", path=f"{where}/{key}")
        if not isinstance(value, kinds):
            raise WorkflowRefused(STRUCTURE, f"{key} is {kind_of(value)}", path=f"{where}/{key}")
    for key in ("steps", "links"):
        if key not in root:
            raise WorkflowRefused(STRUCTURE, f"{key!r} is missing", path=where)
    if root.get("variables"):
        raise WorkflowRefused(
            FORBIDDEN, "what a filled 'variables' means is not public", path=f"{where}/variables"
        )
    if len(root["steps"]) > MAX_STEPS:
        raise WorkflowRefused(
            "MAX_STEPS_EXCEEDED",
            f"{len(root['steps'])} steps, the limit is {MAX_STEPS}",
            path=f"{where}/steps",
        )
    if len(root["links"]) > MAX_LINKS:
        raise WorkflowRefused(
            "WORKFLOW_STRUCTURE_INVALID",
            f"{len(root['links'])} links, the limit is {MAX_LINKS}",
            path=f"{where}/links",
        )


def check_step(step: Any, where: str) -> None:
    if not isinstance(step, dict):
        raise WorkflowRefused(STRUCTURE, f"a step must be an object, found {kind_of(step)}", path=where)
    identity = str(step.get("step_id", ""))
    for key, value in step.items():
        kinds = _STEP_KEYS.get(key)
        if kinds is None:
            raise WorkflowRefused(FORBIDDEN, f"unknown key {key!r}", path=f"{where}/{key}", step=identity)
        if type(value) not in kinds:  # JSON has no other classes, and True is no step_id
            raise WorkflowRefused(
                STRUCTURE, f"{key} is {kind_of(value)}", path=f"{where}/{key}", step=identity
            )
    for key in _NEEDED:
        if key not in step:
            raise WorkflowRefused(STRUCTURE, f"the step has no {key!r}", path=where, step=identity)
    position = step.get("step_position")
    if position is not None and [type(part) for part in position] != [int, int]:
        raise WorkflowRefused(
            STRUCTURE, "step_position must be two integers", path=f"{where}/step_position", step=identity
        )
    kind, task = step["task_type"], step["task_id"]
    if kind not in PORTS:
        raise WorkflowRefused(
            STRUCTURE, f"unknown task_type {kind!r}", path=f"{where}/task_type", step=identity
        )
    for fixed_kind, fixed_task in ((CONDITION, CONDITION_TASK), (FOREACH, FOREACH_TASK)):
        version = step["task_version"]
        if (kind == fixed_kind) != (task == fixed_task) or (kind == fixed_kind and version != "0.1"):
            raise WorkflowRefused(
                "TASK_NOT_FOUND",
                f"a {kind} step cannot have the task {task!r} in version {version!r}",
                path=f"{where}/task_id",
                step=identity,
            )


def check_link(link: Any, where: str) -> None:
    if not isinstance(link, dict):
        raise WorkflowRefused("INVALID_LINK", f"a link must be an object, found {kind_of(link)}", path=where)
    for key in link:
        if key not in _LINK_KEYS:
            raise WorkflowRefused(FORBIDDEN, f"unknown key {key!r}", path=f"{where}/{key}")
    for key in sorted(_LINK_KEYS):
        if key not in link:
            raise WorkflowRefused("INVALID_LINK", f"the link has no {key!r}", path=where)
    if link["to_port_id"] != "input":
        raise WorkflowRefused(
            "INVALID_LINK",
            f"leads to port {link['to_port_id']!r}, steps have only 'input'",
            path=f"{where}/to_port_id",
        )


def check_entry(entry: Any, where: str, identity: str) -> tuple[str, str | None]:
    if not isinstance(entry, dict):
        raise WorkflowRefused(
            STRUCTURE, f"a config field is an object, found {kind_of(entry)}", path=where, step=identity
        )
    for key in entry:
        if key not in ("config_field_id", "value"):
            raise WorkflowRefused(FORBIDDEN, f"unknown key {key!r}", path=f"{where}/{key}", step=identity)
    for key in ("config_field_id", "value"):
        if key not in entry:
            raise WorkflowRefused(STRUCTURE, f"the config field has no {key!r}", path=where, step=identity)
    field, value = entry["config_field_id"], entry["value"]
    if not isinstance(field, str) or not isinstance(value, str | None):
        raise WorkflowRefused(
            "INVALID_WORKFLOW_JSON", "config_field_id and value are always text", path=where, step=identity
        )
    return field, value


def kind_of(value: Any) -> str:
    return {dict: "an object", list: "an array", str: "text", bool: "a boolean", type(None): "null"}.get(
        type(value), "a number"
    )
