"""Files of the ceremonies: read whole and bounded, written once, on the disk before we say so.

Nothing here overwrites a file, except a document by itself with one more signature.
"""

import contextlib
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from kimnode.errors import ConfigError, WireError
from kimnode.keys import armour, cards
from kimnode.keys.armour import Label
from kimnode.keys.cards import Card
from kimnode.wire import sealed
from kimnode.wire.documents import AnyDocument

MAX_FILE_BYTES = 256 * 1024
PRIVATE_MODE, PUBLIC_MODE, FOLDER_MODE = 0o600, 0o644, 0o700
OTHERS = 0o077  # what anybody but the owner may do
NOTE = "# `kimnode keys inspect` tells what this is.\n"


def read_text(path: Path) -> str:
    """ConfigError when the file is missing, huge or no text."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise _unusable(path, "read", error) from error
    return _as_text(path, data)


def read_private(path: Path) -> str:
    """The text of a private key's file; refused when others could read the file or its folder."""
    try:
        with path.open("rb") as file:
            check_mode(path, os.fstat(file.fileno()))
            check_folder(path)
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise _unusable(path, "read", error) from error
    return _as_text(path, data)


def check_mode(path: Path, found: os.stat_result) -> None:
    """ConfigError unless the file is its owner's alone, and the owner is us or root."""
    if found.st_uid not in {os.geteuid(), 0}:
        raise ConfigError(
            f"{path} belongs to another user, who can change it. Say: chown $(id -un) {path}"
        )
    if stat.S_IMODE(found.st_mode) & OTHERS:
        raise ConfigError(
            f"{path} holds a private key, and other users of this machine may use the file. "
            f"Say: chmod 600 {path}   (on a USB stick where that has no effect, mount it with "
            "umask=077)"
        )


def check_folder(path: Path) -> None:
    """ConfigError when others can look into the folder of `path`, or put files there."""
    folder = path.absolute().parent
    if stat.S_IMODE(folder.stat().st_mode) & OTHERS:
        raise ConfigError(
            f"The folder {folder} of a private key is open to other users of this machine. "
            f"Keep keys in a folder of their own: chmod 700 {folder}"
        )


def write_private(path: Path, data: bytes) -> None:
    """A new file of mode 600 in a folder of mode 700 (made when it is missing)."""
    with _named(path, "written"), contextlib.suppress(FileExistsError):
        path.absolute().parent.mkdir(FOLDER_MODE)
    check_folder(path)
    _create(path, data, PRIVATE_MODE)


def write_new(path: Path, text: str) -> None:
    """A new file that everybody may read."""
    write_bytes(path, text.encode("ascii"))


def write_bytes(path: Path, data: bytes) -> None:
    """The same, for pictures."""
    _create(path, data, PUBLIC_MODE)


def write_documents(path: Path, documents: Iterable[AnyDocument]) -> None:
    """A new file of documents."""
    write_new(path, _shown(documents))


def replace(path: Path, document: AnyDocument) -> None:
    """The document in place of the one in the file, whole or not at all."""
    _replace(path, _shown([document]), PUBLIC_MODE)


def replace_private(path: Path, text: str) -> None:
    """A file beside a private key, new or in place of its old content, whole or not at all."""
    check_folder(path)
    _replace(path, text, PRIVATE_MODE)


def read_documents(path: Path) -> list[AnyDocument]:
    """All documents in a file. ConfigError when there is anything else in it."""
    documents = []
    for label, data in parts(path):
        if label is not Label.DOCUMENT:
            raise ConfigError(f"{path} is a {_kind_of(label)}, not a document.")
        documents.append(document_of(path, data))
    return documents


def read_document(path: Path) -> AnyDocument:
    """The one document in a file."""
    documents = read_documents(path)
    if len(documents) != 1:
        raise ConfigError(f"{path} holds {len(documents)} documents; name a file with one.")
    return documents[0]


def document_of(path: Path, data: bytes) -> AnyDocument:
    """The document in these bytes of a file."""
    try:
        return sealed.decode(data)
    except WireError as error:
        raise ConfigError(f"{path} holds no document that this kimnode knows ({error}).") from error


def card_of(path: Path, data: bytes) -> Card:
    """The public key card in these bytes of a file."""
    try:
        return cards.decode(data)
    except WireError as error:
        raise ConfigError(f"{path}: {error}. Ask for it again.") from error


def read_card(path: Path) -> Card:
    """The public key card in a file."""
    found = parts(path)
    if len(found) != 1 or found[0][0] is not Label.PUBLIC:
        raise ConfigError(
            f"{path} is a {_kind_of(found[0][0])}, not a public key. "
            "Name the file *.pub that was made together with the key."
        )
    return card_of(path, found[0][1])


def parts(path: Path) -> list[tuple[Label, bytes]]:
    """What is in a file of any of the three kinds."""
    try:
        return armour.decode(read_text(path))
    except WireError as error:
        raise ConfigError(f"{path} cannot be understood: {error}. Copy it again.") from error


def _kind_of(label: Label) -> str:
    words = {Label.DOCUMENT: "document", Label.PUBLIC: "public key", Label.SECRET: "PRIVATE KEY"}
    return words[label]


def _shown(documents: Iterable[AnyDocument]) -> str:
    texts = [armour.encode(Label.DOCUMENT, sealed.encode(one)) for one in documents]
    return NOTE + "".join(armour.paragraph(text) for text in texts)


def _as_text(path: Path, data: bytes) -> str:
    if len(data) > MAX_FILE_BYTES:
        raise ConfigError(f"{path} is too large to be a key or a document.")
    try:
        return data.decode("ascii")
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is no key and no document of kimnode.") from None


def _create(path: Path, data: bytes, mode: int) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with _named(path, "written"):
        with open(os.open(path, flags, mode), "wb") as file:  # noqa: PTH123
            os.fchmod(file.fileno(), mode)  # whatever the umask says
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        _sync_folder(path)


def _replace(path: Path, text: str, mode: int) -> None:
    beside = path.with_name(f"{path.name}.new")
    with contextlib.suppress(FileNotFoundError):
        beside.unlink()  # of a machine that went off in the middle
    _create(beside, text.encode("ascii"), mode)
    with _named(path, "written"):
        beside.rename(path)
        _sync_folder(path)


def _sync_folder(path: Path) -> None:
    """Without it the name may be gone after a power cut, though the bytes are there."""
    folder = os.open(path.absolute().parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextlib.contextmanager
def _named(path: Path, doing: str) -> Iterator[None]:
    try:
        yield
    except FileExistsError as error:
        raise ConfigError(
            f"{path} is there already, and nothing is overwritten. Choose another --out."
        ) from error
    except OSError as error:
        raise _unusable(path, doing, error) from error


def _unusable(path: Path, doing: str, error: OSError) -> ConfigError:
    return ConfigError(f"{path} cannot be {doing} ({error.strerror}).")
