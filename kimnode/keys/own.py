"""A post's own key, and the line between a real village and a demonstration.

A node without key or root works as ever: chat and SOS need no trust, only bulletins do.
"""

import logging
from dataclasses import dataclass
from pathlib import Path

from kimnode.config import Config
from kimnode.errors import ConfigError
from kimnode.keys import keyfile
from kimnode.keys.cards import Purpose
from kimnode.keys.keyfile import PrivateKey
from kimnode.store.db import Database
from kimnode.store.trust import TrustCache, set_here

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Own:
    """`key`: None while nobody has made one, or it cannot be used (`fault` says why and what to
    do). `rooted`: there is a root, so bulletins can be."""

    key: PrivateKey | None
    rooted: bool
    demo: bool
    fault: str = ""


def gateway_key_path(config: Config) -> Path:
    """Where this post's private key is; a relative path counts from the database's folder."""
    return Path(config.database).parent / config.gateway_key


def load_gateway_key(config: Config) -> PrivateKey | None:
    """This post's key, None when there is none. ConfigError when it cannot be used as it is."""
    path = gateway_key_path(config)
    try:
        if not path.exists():
            return None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror}).") from error
    key = keyfile.load(path)
    if key.purpose is not Purpose.GATEWAY:
        raise ConfigError(
            f"{path} is the key of a {key.purpose}, which must not lie on a post. Move it away, "
            "and make the post's own: kimnode keys gateway key"
        )
    return key


async def open_own(config: Config, db: Database, *, demo: bool) -> Own:
    """The post's key, known to the database from now on. A key that cannot be used (others may
    read it, it is damaged) is not used, and the node runs: an SOS must not wait for a chmod.

    ConfigError where a demonstration and a real village would be mixed: nobody may ever take a
    bulletin of the demo for a real one, nor write real ones under the demo's root.
    """
    key, fault = None, ""
    try:
        key = load_gateway_key(config)
    except ConfigError as error:
        fault = str(error)
        logger.error("bulletins cannot be signed here: %s", fault)  # noqa: TRY400 - told in full
    root = (await db.read(TrustCache().load)).root
    if (root is not None and root.demo != demo) or (key is not None and key.demo != demo):
        raise ConfigError(_demo_refused(config) if not demo else _real_refused(config))
    if key is not None:
        public = key.public
        await db.write(lambda c: set_here(c, public), quiet=True)
    return Own(key, root is not None, demo, fault)


def _demo_refused(config: Config) -> str:
    return (
        f"{config.database} or {gateway_key_path(config)} belongs to the demonstration, which "
        "anybody can sign for. A real post never runs on it: name another database and "
        "gateway_key in the settings."
    )


def _real_refused(config: Config) -> str:
    return (
        f"{config.database} belongs to a real village. The demonstration never runs on it: choose "
        "another folder with --data."
    )
