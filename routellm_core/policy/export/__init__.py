"""Targets that a policy can be exported to: one module each, and the folder or zip with it all.

A folder holds the target's files, the policy, the checkpoint, the core that runs them and a README
of two commands, so that it needs nothing of this project. Keys are never in it: files name the
environment variables that hold them. A target that cannot express a policy says so and writes
nothing.
"""

import io
import zipfile
from contextlib import suppress
from pathlib import Path
from shutil import rmtree

from routellm_core.errors import DataError, RoutingError, UnknownNameError
from routellm_core.policy.document import POLICY_NAME, Policy, check_checkpoint, json_schema
from routellm_core.policy.export import (
    environment,
    litellm,
    openai_request,
    python_snippet,
    routellm,
    semantic_router,
)
from routellm_core.policy.export.base import ExportTarget
from routellm_core.policy.export.packing import core_files, readme, requirements
from routellm_core.routers.checkpoints import checkpoint_files

SCHEMA_NAME = "policy.schema.json"
MANIFEST_NAME = "files.txt"
"""Names every file that an export wrote, a line each, so that the next one can take them away."""
_MODULES = (litellm, routellm, semantic_router, python_snippet, environment, openai_request)
TARGETS: dict[str, ExportTarget] = {module.TARGET.name: module.TARGET for module in _MODULES}


def target_named(name: str) -> ExportTarget:
    """A target.

    Raises:
        UnknownNameError: there is none of that name.
    """
    if name not in TARGETS:
        raise UnknownNameError(f"no target {name!r}; there are: {', '.join(TARGETS)}")
    return TARGETS[name]


def export(policy: Policy, target: str, out_dir: Path, checkpoint_dir: Path | None = None) -> None:
    """Write a folder in which the target runs the policy.

    Args:
        policy: what is to run.
        target: a key of `TARGETS`.
        out_dir: made when absent; what an earlier export wrote there makes way, and what somebody
            else put beside it stays.
        checkpoint_dir: the router's; may be left out where the target asks no router.

    Raises:
        UnknownNameError: there is no such target.
        NotTrainedError: the checkpoint is missing.
        DataError: the target cannot express the policy, the checkpoint is another one, or the
            folder holds other things than an export, or cannot be written.
    """
    chosen = target_named(target)
    files = _contents(policy, [chosen], [], checkpoint_dir)
    try:
        _make_way(out_dir)
        for name, content in files.items():
            path = out_dir / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    except OSError as error:
        raise DataError(f"{out_dir} cannot be written: {error.strerror or error}") from error


def _make_way(out_dir: Path) -> None:
    """Take away what an earlier export wrote; nothing else is touched."""
    there = {path.name for path in out_dir.iterdir()} if out_dir.is_dir() else set()
    if there <= {POLICY_NAME}:
        return
    if not {POLICY_NAME, MANIFEST_NAME} <= there:
        raise DataError(
            f"{out_dir} is not empty and holds no export ({POLICY_NAME} with {MANIFEST_NAME}): "
            "name an empty folder, one that is not there yet, or that of a former export"
        )
    root = out_dir.resolve()
    names = (root / MANIFEST_NAME).read_text(encoding="utf-8", errors="replace").splitlines()
    paths = [root / name for name in names]
    for name, path in zip(names, paths, strict=True):
        if not path.parent.resolve().is_relative_to(root):
            raise DataError(f"{MANIFEST_NAME} in {out_dir} names {name!r}, which is not in it")
    for path in paths:
        path.unlink(missing_ok=True)
    folders = {above for path in paths for above in path.parents if root in above.parents}
    for folder in sorted(folders, key=lambda folder: len(folder.parts), reverse=True):
        rmtree(folder / "__pycache__", ignore_errors=True)
        with suppress(OSError):  # somebody's own files lie there
            folder.rmdir()


def export_zip(policy: Policy, checkpoint_dir: Path) -> bytes:
    """All targets that can express the policy, in one folder, zipped; its README names the others.

    Args:
        policy: what is to run.
        checkpoint_dir: the router's.

    Returns:
        The same bytes for the same policy, checkpoint and project.

    Raises:
        NotTrainedError: the checkpoint is missing.
        DataError: it is another one.
    """
    able, refusals = [], []
    for target in TARGETS.values():
        try:
            target.files(policy)
            able.append(target)
        except RoutingError as error:
            refusals.append((target.title, str(error)))
    files = _contents(policy, able, refusals, checkpoint_dir)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(f"{policy.policy_id}/{name}", date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            entry.create_system = 3
            archive.writestr(entry, files[name])
    return packed.getvalue()


def _contents(
    policy: Policy,
    targets: list[ExportTarget],
    refusals: list[tuple[str, str]],
    checkpoint_dir: Path | None,
) -> dict[str, bytes]:
    files = {POLICY_NAME: policy.as_bytes(), SCHEMA_NAME: json_schema().encode("utf-8")}
    for target in targets:
        files |= target.files(policy)
    if any(target.asks_router for target in targets):
        if checkpoint_dir is None:
            raise DataError("this target asks the router: name the folder of its checkpoint")
        check_checkpoint(policy, checkpoint_dir)
        held = checkpoint_files(checkpoint_dir)
        files |= {f"{policy.router.checkpoint}/{name}": raw for name, raw in held.items()}
        files |= core_files()
        files["requirements.txt"] = requirements(targets).encode("utf-8")
    files["README.md"] = readme(policy, targets, refusals).encode("utf-8")
    names = sorted([*files, MANIFEST_NAME])
    files[MANIFEST_NAME] = "".join(f"{name}\n" for name in names).encode("utf-8")
    return files
