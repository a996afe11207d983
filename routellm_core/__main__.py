"""The command line: `routellm-explorer VERB` or `python -m routellm_core VERB`, each with --help.

With --json one JSON value goes to stdout and nothing else; what is being done goes to stderr. Exit
code 0 is success, 2 something the user can put right (said on stderr), 130 that it was stopped by
Ctrl-C, 1 a defect of ours.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from routellm_core.commands import (
    calibrate,
    certify,
    check,
    compare,
    dashboard,
    data,
    evaluate,
    explain,
    label,
    models,
    monitor,
    policy,
    recommend,
    report,
    score,
    shift,
    train,
)
from routellm_core.commands.next_command import called_as
from routellm_core.commands.shared import Result, say
from routellm_core.embedders.silence import silence_libraries
from routellm_core.errors import RoutingError
from routellm_core.files import with_nulls
from routellm_core.store.places import DATA_DIR, IS_INSTALLED, store_path

STOPPED = 130
"""Exit code after Ctrl-C, as shells have it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit code."""
    parsed = _parser().parse_args(arguments)
    silence_libraries()
    try:
        if IS_INSTALLED and parsed.store == store_path():
            _bring_up_to_date(parsed.store)
        document, lines = parsed.run(parsed)
    except RoutingError as error:
        say(f"error: {error}")
        return 2
    except KeyboardInterrupt:
        say("stopped")
        return STOPPED
    text = json.dumps(with_nulls(document), ensure_ascii=False) if parsed.json else "\n".join(lines)
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _bring_up_to_date(store: Path) -> None:
    """Build the store of an installed package when it is absent or of former files."""
    from routellm_core.store.build import ensure_store

    if not store.exists():
        say(f"building {store}, once")
    ensure_store(DATA_DIR, store)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=called_as(), description=__doc__)
    verbs = parser.add_subparsers(required=True, metavar="VERB")

    def verb(name: str, run: Callable[[argparse.Namespace], Result]) -> argparse.ArgumentParser:
        described = run.__doc__ or ""
        in_list = described.replace("%", "%%")  # argparse fills in what stands after a %
        added = verbs.add_parser(name, help=in_list, description=described)
        added.set_defaults(run=run)
        added.add_argument("--json", action="store_true", help="one JSON value on stdout")
        added.add_argument(
            "--store",
            type=Path,
            default=store_path(),
            help="the DuckDB file (default: %(default)s; ROUTELLM_STORE overrides it)",
        )
        return added

    data.add_parsers(verb)
    for module in (models, evaluate, compare, recommend, check, calibrate, certify):
        module.add_parser(verb)
    policy.add_parsers(verb)
    monitor.add_parser(verb)
    report.add_parser(verb)
    for module in (explain, score, shift, label):
        module.add_parser(verb)
    train.add_parsers(verb)
    dashboard.add_parser(verb)
    return parser


if __name__ == "__main__":
    sys.exit(main())
