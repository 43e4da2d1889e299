"""The `kimnode` command. Parses words, calls one function, and is the only place that exits."""

import argparse
import asyncio
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from kimnode import __version__
from kimnode.clock import Clock
from kimnode.config import example, load
from kimnode.demo import DemoOptions, run_demo
from kimnode.doctor import examine
from kimnode.errors import ConfigError, KimnodeError
from kimnode.keys.cli import add_arguments as add_keys_arguments
from kimnode.node import run_node
from kimnode.radio.sim.cli import add_arguments as add_sim_arguments
from kimnode.radio.sim.cli import run_sim

EXIT_BAD_INPUT = 2
DEFAULT_CONFIG = "kimnode.toml"

EPILOG = """\
examples:
  kimnode demo                          a village to play with, no radio needed
  kimnode example-config > kimnode.toml   every setting, with its meaning
  kimnode run --config kimnode.toml     the node, with the radio named in the file
  kimnode doctor --config kimnode.toml  what is wrong, and what to do
"""


def main(argv: Sequence[str] | None = None) -> None:
    """Entry point; exits with 0, 1 (a fault was found or happened) or 2 (bad input)."""
    options = _parser().parse_args(argv)
    try:
        sys.exit(options.command(options))
    except KeyboardInterrupt:
        sys.exit(0)
    except (KimnodeError, BaseExceptionGroup) as error:
        fault = _purposeful(error)
        if fault is None:
            raise  # our own fault: loudly, with the traceback
        sys.stderr.write(f"kimnode: {fault}\n")
        sys.exit(EXIT_BAD_INPUT if isinstance(fault, ConfigError) else 1)


def _purposeful(error: BaseException) -> KimnodeError | None:
    """The error that was raised on purpose, out of the task groups that it came through; None
    when there is any other among them."""
    if isinstance(error, BaseExceptionGroup):
        found = [_purposeful(one) for one in error.exceptions]
        return None if None in found else found[0]
    return error if isinstance(error, KimnodeError) else None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="kimnode",
        description="Messages for a village without signal: Meshtastic radios and a Wi-Fi chat.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_commands(parser.add_subparsers(metavar="COMMAND", required=True))
    return parser


def _add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    run = commands.add_parser("run", help="run the node until it is told to stop")
    _add_config(run)
    run.set_defaults(command=_run)

    demo = commands.add_parser(
        "demo", help="run a whole village: simulated radios, one node, the chat"
    )
    demo.add_argument("--port", type=int, default=8080, help="of the pages (default: %(default)s)")
    demo.add_argument(
        "--data", type=Path, default=Path("demo-data"), help="folder for its database"
    )
    demo.set_defaults(command=_demo)

    sim = commands.add_parser("sim", help="run simulated radios only, each on a TCP port")
    add_sim_arguments(sim)
    sim.set_defaults(command=_sim)

    doctor = commands.add_parser(
        "doctor", help="check settings, radio, database, clock and disk; say what to do"
    )
    _add_config(doctor)
    doctor.add_argument(
        "--rebuild", action="store_true", help="make the read tables again from the log first"
    )
    doctor.set_defaults(command=_doctor)

    keys = commands.add_parser(
        "keys", help="keys and certificates: who may speak for KIM, from the province down"
    )
    add_keys_arguments(keys)

    config = commands.add_parser("example-config", help="print every setting with its meaning")
    config.set_defaults(command=_example)

    version = commands.add_parser("version", help="print the version")
    version.set_defaults(command=_version)


def _add_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config", type=Path, default=Path(DEFAULT_CONFIG), help="settings (default: %(default)s)"
    )


def _log_to_stderr(level: str) -> None:
    logging.basicConfig(
        level=level, stream=sys.stderr, format="%(asctime)s %(levelname)-7s %(name)s: %(message)s"
    )


def _run(options: argparse.Namespace) -> int:
    config = load(options.config)
    _log_to_stderr(config.log_level)
    asyncio.run(run_node(config, Clock()))
    return 0


def _demo(options: argparse.Namespace) -> int:
    _log_to_stderr("WARNING")
    asyncio.run(run_demo(DemoOptions(options.port, options.data), sys.stdout))
    return 0


def _sim(options: argparse.Namespace) -> int:
    _log_to_stderr("INFO")
    asyncio.run(run_sim(options))
    return 0


def _doctor(options: argparse.Namespace) -> int:
    _log_to_stderr("ERROR")
    return asyncio.run(examine(load(options.config), options.rebuild, sys.stdout))


def _example(_options: argparse.Namespace) -> int:
    sys.stdout.write(example())
    return 0


def _version(_options: argparse.Namespace) -> int:
    sys.stdout.write(f"kimnode {__version__}\n")
    return 0
