"""`kimnode keys` at a post: take documents in, invite volunteers, list the keys they made."""

import argparse
import asyncio
import contextlib
import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

from kimnode.clock import Clock
from kimnode.config import Config
from kimnode.config import load as load_config
from kimnode.errors import ConfigError, Refused
from kimnode.intake import Intake
from kimnode.keys import files, look, qr, show
from kimnode.keys.ceremony import check_name
from kimnode.keys.office import ROLES
from kimnode.metrics import Metrics
from kimnode.record import Via
from kimnode.store import enrolment
from kimnode.store.db import Database, open_database
from kimnode.store.enrolment import Invitation
from kimnode.store.trust import TrustCache, pin_root
from kimnode.timekeeper import open_timekeeper
from kimnode.wire import records
from kimnode.wire.documents import AnyDocument, Root

BUSY_TIMEOUT_S = 10.0
LOOPBACK = ("127.", "localhost", "::1")
ENROL_PATH = "/staf/daftar"
HTTP_PORT = 80
FINGERPRINT_DIGITS = 2 * show.FINGERPRINT_BYTES


def import_files(options: argparse.Namespace, out: TextIO) -> int:
    """import: 0 when everything was taken or known, 1 when something was refused."""
    config = load_config(options.config)
    documents = [document for path in options.files for document in files.read_documents(path)]
    documents.sort(key=look.place)
    return asyncio.run(_import(config, documents, options.accept_root, out))


def invite(options: argparse.Namespace, out: TextIO) -> int:
    """invite: a one-time code; works while the node runs."""
    config = load_config(options.config)
    name = check_name(options.name)
    code = secrets.token_urlsafe(16)
    url = f"http://{options.host or _host(config)}{ENROL_PATH}#{code}"
    if options.out:
        picture = qr.picture(url, options.out)
    invitation = Invitation(name, options.person, ROLES[options.role])
    now = int(Clock().now())
    with _database(config) as connection:
        enrolment.invite(connection, code, invitation, now)
    if options.out:
        files.write_bytes(options.out, picture)
    else:
        out.write(qr.on_screen(url) + "\n")
    days = enrolment.INVITE_AGE_S // 86_400
    out.write(
        f"{name} opens this address on their own phone, in the staff network:\n"
        f"  {url}\n"
        f"It works once, within {days} days. Who sees it can take it: show it to nobody else.\n"
        "Then let the district certify the key: kimnode keys enrolled\n"
    )
    return 0


def enrolled(options: argparse.Namespace, out: TextIO) -> int:
    """enrolled: keys that volunteers have made in their browsers, for the district to certify."""
    with _database(load_config(options.config)) as connection:
        found = enrolment.enrolled(connection)
        certified = TrustCache().load(connection).certificates
    for one in found:
        who = one.invitation
        rows = [
            ("role", show.ROLES[who.role]),
            ("person", f"number {who.person}"),
            ("own key", one.public_key.hex()),
            ("fingerprint", show.key_fingerprint(one.public_key)),
            ("certified", "yes" if one.public_key in certified else "not yet"),
        ]
        out.write(show.lines(f"key made in the browser of {who.name!r}", rows) + "\n")
    out.write(
        "Compare the fingerprint with the volunteer's screen. Then, at the district:\n"
        "  kimnode keys volunteer certify --own-key KEY ...\n"
        if found
        else "Nobody has made a key yet. Invite somebody: kimnode keys invite\n"
    )
    return 0


async def _import(
    config: Config, documents: Sequence[AnyDocument], accept_root: str, out: TextIO
) -> int:
    clock, refused = Clock(), 0
    async with open_database(Path(config.database), int(clock.now())) as db:
        await _settle_root(db, documents, accept_root, out)
        keeper = await open_timekeeper(db, clock, list)  # a set clock of this machine is no witness
        intake = Intake(db, clock, Metrics(), keeper.estimate)
        for document in documents:
            title = show.title(document)
            try:
                accepted = await intake.accept(records.of_document(document), Via.USB)
            except Refused as error:
                refused += 1
                why = show.why(error)
                out.write(f"REFUSED  {title}:\n         {why}.\n")
            else:
                out.write(f"{'taken' if accepted.fresh else 'known':<8} {title}\n")
    out.write(f"\n{len(documents) - refused} here, {refused} refused.\n")
    return int(refused > 0)


async def _settle_root(
    db: Database, documents: Sequence[AnyDocument], accept_root: str, out: TextIO
) -> None:
    """Pin the root that the operator has compared. ConfigError when that is still to be done."""
    trust = await db.read(TrustCache().load)
    brought = [document for document in documents if isinstance(document, Root)]
    if any(root.demo for root in brought) and not trust.demo:
        raise ConfigError(
            "That is the root of a demonstration; a real post never takes it. "
            "`kimnode demo` makes its own."
        )
    if trust.root is not None:
        return
    wanted = "".join(accept_root.split()).lower()
    found = [root for root in brought if root.id.hex()[:FINGERPRINT_DIGITS] == wanted]
    if found:
        await db.write(lambda c: pin_root(c, found[0].id))
        return
    if not brought:
        raise ConfigError("This post has no root yet. Import the root first (root.1.kim).")
    for root in brought:
        out.write(f"root of {root.name!r}, version {root.version}, has the fingerprint\n\n")
        out.write(f"  {show.fingerprint(root.id)}\n\n")
    out.flush()
    raise ConfigError(
        "Nothing was taken. Compare the fingerprint by telephone with two offices of the province. "
        "When it is the same, say it again with --accept-root and its 32 digits, without spaces."
        if not wanted
        else "Nothing was taken: --accept-root is not the fingerprint of any root in these files."
    )


def _host(config: Config) -> str:
    """The name by which phones reach the pages."""
    host = next((h for h in config.hosts if not h.startswith(LOOPBACK)), config.hosts[0])
    return host if config.port == HTTP_PORT else f"{host}:{config.port}"


@contextlib.contextmanager
def _database(config: Config) -> Iterator[sqlite3.Connection]:
    """The database beside a node that may be running: one short transaction, as SQLite allows."""
    path = Path(config.database)
    if not path.exists():
        raise ConfigError(f"{path} is not there yet. Start the node once: kimnode run")
    try:
        with (
            contextlib.closing(sqlite3.connect(path, timeout=BUSY_TIMEOUT_S)) as connection,
            connection,  # one transaction
        ):
            yield connection
    except sqlite3.Error as error:
        raise ConfigError(
            f"{path} cannot be used ({error}). Start the node once, so that it is up to date."
        ) from error
