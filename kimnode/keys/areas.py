"""Kemendagri codes as people write them (76.02.06.2003) <-> the ten-digit number in documents."""

import re

from kimnode.errors import ConfigError

DOTTED = re.compile(r"(\d{2})(?:\.?(\d{2})(?:\.?(\d{2})(?:\.?(\d{4}))?)?)?")
GROUP_DIGITS = (2, 2, 2, 4)  # province, regency, district, village


def parse_area(text: str) -> int:
    """ "76.02" -> 7602000000. ConfigError says which forms there are."""
    found = DOTTED.fullmatch(text.strip())
    if found is None or found[1] == "00":
        raise ConfigError(
            f"{text!r} is no area code. Write the Kemendagri code: 76 (province), 76.02 (regency), "
            "76.02.06 (district) or 76.02.06.2003 (village)."
        )
    groups = zip(found.groups(), GROUP_DIGITS, strict=True)
    return int("".join(group or "0" * size for group, size in groups))


def area_text(area: int) -> str:
    """7602000000 -> "76.02": without the groups of zeros at the end."""
    digits, groups, at = f"{area:010}", [], 0
    for size in GROUP_DIGITS:
        groups.append(digits[at : at + size])
        at += size
    while len(groups) > 1 and not int(groups[-1]):
        groups.pop()
    return ".".join(groups)
