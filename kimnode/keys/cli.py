"""The words of `kimnode keys ...`. office.py and post.py do what they say."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TextIO, TypeAlias

from kimnode.keys import look, office, post
from kimnode.keys.ceremony import ROOT_DAYS
from kimnode.rules.chain import LONGEST_DAYS
from kimnode.wire.codes import Role
from kimnode.wire.sealed import LONG_END

Command = Callable[[argparse.Namespace, TextIO], int]
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001 - has no public name

EPILOG = """\
the whole way, in order (every step says what comes next):

  1. each of 5 offices of the province, on its own machine:
       kimnode keys root key --name "Diskominfo" --out secret/office1.key
     and brings office1.pub, never the .key
  2. when all five have met:
       kimnode keys root new --name "Sulawesi Barat" --area 76 \\
         --out root.1.kim office1.pub office2.pub office3.pub ...
     and two of them, one after the other:
       kimnode keys root sign --key secret/office1.key root.1.kim
  3. a district makes its key, and two offices sign its certificate:
       kimnode keys district key --name "Kab. Mamuju" --out secret/mamuju.key
       kimnode keys district certify --root root.1.kim --area 76.02 \\
         --out mamuju.kim mamuju.pub
       kimnode keys root sign --key secret/office1.key \\
         --root root.1.kim mamuju.kim
  4. a post makes its key, the district certifies it:
       kimnode keys gateway key --config kimnode.toml
       kimnode keys gateway certify --key secret/mamuju.key \\
         --district mamuju.kim --area 76.02.06.2003 --out post.kim gateway.pub
  5. the district certifies volunteers, by the public key of their radio:
       kimnode keys volunteer certify --key secret/mamuju.key \\
         --district mamuju.kim --role VERIFIKATOR --person 12 --name "Budi" \\
         --area 76.02.06.2003 --radio-key KEY --out budi.kim
     or invites them to make a key in the browser: kimnode keys invite
  6. the district's first list of bad keys, empty, and anew every 30 days:
       kimnode keys revoke --key secret/mamuju.key --first --out revoked.1.kim
  7. on every post:
       kimnode keys import --config kimnode.toml root.1.kim mamuju.kim \\
         revoked.1.kim post.kim budi.kim

  Private keys (*.key) stay in a folder that only their owner can open, and
  never travel. Everything else (*.pub, *.kim) is public: USB, paper or QR.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The commands of `kimnode keys`."""
    parser.description = "Who may speak for KIM, from the province down to a volunteer's radio."
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _root(commands)
    _district(commands)
    for purpose, what in (("hub", "a district's server"), ("gateway", "a village's post")):
        _machine(commands, purpose, what)
    _volunteer(commands)
    _revoke(commands)
    _suspend(commands)
    _looking(commands)
    _at_the_post(commands)


def _root(commands: Commands) -> None:
    root = _group(commands, "root", "the province's keys: any 2 of the offices sign together")
    _key(root, "root", "an office's own key, made on its own machine")

    new = _add(root, "new", office.new_root, "version 1, out of the public keys of all offices")
    new.add_argument("cards", nargs="+", type=Path, metavar="OFFICE.pub")
    _named(new, required=True)
    _area(new, "of the province, such as 76")
    _term(new, ROOT_DAYS)
    _out(new, "root.1.kim")

    sign = _add(
        root,
        "sign",
        office.root_sign,
        "an office's signature on a root or on a district's certificate",
    )
    sign.add_argument(
        "document", type=Path, metavar="FILE.kim", help="the signature is put into it"
    )
    _signer(sign, "of the office")
    sign.add_argument(
        "--root",
        type=Path,
        metavar="ROOT.kim",
        help="for a certificate: its root; for root version 2 and later: the version before",
    )
    _rotate(root)


def _rotate(root: Commands) -> None:
    rotate = _add(root, "rotate", office.rotate_root, "version N+1: other offices, or more time")
    rotate.add_argument("root", type=Path, metavar="ROOT.kim", help="version N")
    rotate.add_argument(
        "--drop",
        type=int,
        action="append",
        default=[],
        metavar="NUMBER",
        help="an office that leaves, by its number in `kimnode keys inspect`",
    )
    rotate.add_argument(
        "--add",
        dest="cards",
        type=Path,
        action="append",
        default=[],
        metavar="OFFICE.pub",
        help="an office that comes in",
    )
    _term(rotate, ROOT_DAYS)
    _out(rotate, "root.2.kim")


def _district(commands: Commands) -> None:
    district = _group(commands, "district", "a regency's key, certified by two offices")
    _key(district, "district", "a district's key")
    certify = _add(
        district, "certify", office.certify_district, "its certificate, for two offices to sign"
    )
    certify.add_argument("card", type=Path, metavar="DISTRICT.pub")
    certify.add_argument("--root", type=Path, required=True, metavar="ROOT.kim")
    _named(certify, required=False)
    _area(certify, "of the regency, such as 76.02")
    _term(certify, LONGEST_DAYS[Role.DISTRICT])
    _out(certify, "mamuju.kim")


def _machine(commands: Commands, purpose: str, what: str) -> None:
    group = _group(commands, purpose, f"the key of {what}")
    if purpose == "gateway":
        key = _add(group, "key", office.new_gateway_key, "the post's key, where the settings say")
        _config(key)
    else:
        _key(group, purpose, f"the key of {what}")
    certify = _add(group, "certify", office.certify_machine, "its certificate")
    certify.set_defaults(purpose=purpose)
    certify.add_argument("card", type=Path, metavar=f"{purpose.upper()}.pub")
    _issuer(certify)
    _named(certify, required=False)
    _area(certify, "such as 76.02.06.2003")
    _term(certify, LONGEST_DAYS[Role[purpose.upper()]])
    _out(certify, f"{purpose}.kim")


def _volunteer(commands: Commands) -> None:
    group = _group(commands, "volunteer", "the people of KIM")
    _key(group, "volunteer", "a person's own key in a file (rare: browsers make their own)")
    certify = _add(group, "certify", office.certify_person, "a person's certificate")
    key = certify.add_mutually_exclusive_group(required=True)
    key.add_argument(
        "--radio-key",
        metavar="KEY",
        help="of the Meshtastic radio: 64 hexadecimal digits, base64, or the link of its shared "
        "contact",
    )
    key.add_argument(
        "--own-key",
        metavar="KEY",
        help="from `kimnode keys enrolled`, or the file *.pub",
    )
    _issuer(certify)
    _person(certify)
    _named(certify, required=True)
    _area(certify, "such as 76.02.06.2003")
    _term(certify, LONGEST_DAYS[Role.VOLUNTEER])
    _out(certify, "budi.kim")


def _revoke(commands: Commands) -> None:
    revoke = _add(commands, "revoke", office.revoke, "the district's next list of bad keys")
    revoke.add_argument(
        "what",
        nargs="*",
        metavar="KEY",
        help="certificate's file, whole key, or 12-digit key id; none: the same list, made anew "
        "(posts believe nobody new when the newest list is older than 45 days)",
    )
    _signer(revoke, "of the district or its hub")
    before = revoke.add_mutually_exclusive_group(required=True)
    before.add_argument(
        "--previous", type=Path, metavar="LIST.kim", help="the newest list: its keys stay revoked"
    )
    before.add_argument("--first", action="store_true", help="there is no list before this one")
    revoke.add_argument(
        "--since", metavar="DATE", help="bulletins from this day on are doubtful (default: today)"
    )
    _out(revoke, "revoked.2.kim")


def _suspend(commands: Commands) -> None:
    suspend = _add(
        commands,
        "suspend",
        office.suspend,
        "a verifier's vote to stop a key for 72 hours (mostly done by radio: BEKUKAN)",
    )
    suspend.add_argument("what", metavar="KEY", help="certificate's file, or whole key")
    _signer(suspend, "of the verifier")
    _out(suspend, "vote.kim")


def _looking(commands: Commands) -> None:
    inspect = _add(commands, "inspect", look.inspect, "what is in these files, and does it hold")
    inspect.add_argument("files", nargs="+", type=Path, metavar="FILE", help="*.kim, *.pub, *.key")
    code = _add(commands, "qr", look.qr_code, "a file as QR code")
    code.add_argument("file", type=Path, metavar="FILE")
    _picture(code)
    code.add_argument(
        "--i-know-this-is-secret",
        action="store_true",
        help="show a private key: for one paper copy in a safe",
    )


def _at_the_post(commands: Commands) -> None:
    take = _add(commands, "import", post.import_files, "put documents into a post that is stopped")
    take.add_argument("files", nargs="+", type=Path, metavar="FILE.kim")
    _config(take)
    take.add_argument(
        "--accept-root",
        default="",
        metavar="FINGERPRINT",
        help="the first time: the root's fingerprint, compared by telephone with two offices",
    )
    invite = _add(commands, "invite", post.invite, "a volunteer makes a key in the own browser")
    _config(invite)
    _named(invite, required=True)
    _person(invite)
    invite.add_argument("--host", metavar="HOST[:PORT]", help="of the pages (default: settings)")
    _picture(invite)
    made = _add(commands, "enrolled", post.enrolled, "keys made in browsers, to be certified")
    _config(made)


def _group(commands: Commands, name: str, help_text: str) -> Commands:
    parser = commands.add_parser(name, help=help_text, description=help_text)
    return parser.add_subparsers(metavar="COMMAND", required=True)


def _add(
    commands: Commands, name: str, command: Command, help_text: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=help_text, description=help_text)
    parser.set_defaults(command=lambda options: command(options, sys.stdout))
    return parser


def _key(commands: Commands, purpose: str, help_text: str) -> None:
    key = _add(commands, "key", office.new_key, help_text)
    key.set_defaults(purpose=purpose)
    _named(key, required=True)
    key.add_argument(
        "--out", type=Path, required=True, metavar="FILE.key", help="in a folder of its own"
    )
    key.add_argument(
        "--no-passphrase", action="store_true", help="whoever has the file can then sign with it"
    )
    key.add_argument(
        "--demo", action="store_true", help="for training; never counts at a real post"
    )


def _named(parser: argparse.ArgumentParser, *, required: bool) -> None:
    parser.add_argument("--name", required=required, help="as people see it, 24 letters at most")


def _area(parser: argparse.ArgumentParser, example: str) -> None:
    parser.add_argument("--area", required=True, metavar="CODE", help=f"Kemendagri code {example}")


def _term(parser: argparse.ArgumentParser, longest: int) -> None:
    parser.add_argument(
        "--days", type=int, help=f"how long it holds, 1 to {longest} (default: {longest})"
    )
    parser.add_argument(
        "--from", dest="first_day", metavar="DATE", help="first day, as 2026-11-22 (default: today)"
    )


def _person(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--role", required=True, choices=list(office.ROLES))
    parser.add_argument(
        "--person",
        type=_number,
        required=True,
        metavar="NUMBER",
        help="the district's number of the person: the same for all keys of one person",
    )


def _number(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < LONG_END:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 on")
    return int(text)


def _issuer(parser: argparse.ArgumentParser) -> None:
    _signer(parser, "of the district")
    parser.add_argument("--district", type=Path, required=True, metavar="DISTRICT.kim")


def _signer(parser: argparse.ArgumentParser, whose: str) -> None:
    parser.add_argument(
        "--key", type=Path, required=True, metavar="FILE.key", help=f"private key {whose}"
    )


def _config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config", type=Path, default=Path("kimnode.toml"), help="settings (default: %(default)s)"
    )


def _out(parser: argparse.ArgumentParser, example: str) -> None:
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE.kim", help=f"new file, such as {example}"
    )


def _picture(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="a picture, *.svg or *.png, instead of the screen"
    )
