"""Text compression; being built."""

from kimnode.errors import WireError


def compress(text: str) -> bytes:
    return text.encode()


def decompress(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise WireError("no text") from None
