"""The table of hostile arguments, cases.json, for the generated Python."""

import json
import re
from pathlib import Path

TEXTS = {
    "@big": "x" * 10_000_000,
    "@control": "\x00\x07\x1b[2J\u202e\u2066\ufeff",
    "@unknown": "A" * 43,
}
# They take nothing; the other tests call them.
SILENT = {"connectivity", "serving", "events", "shutdown", "account_wipe"}


def cases(sotto, surface):
    """Each case as its name, a function that calls a core, and the code that it answers."""
    types = arguments(surface)
    table = json.loads((Path(__file__).parent / "cases.json").read_text())["cases"]
    covered = {name for name, _, _ in table}
    missing = {name for name in types if name not in covered} - SILENT
    assert not missing, f"no case for {missing}"
    for name, given, code in table:
        values = {key: value_of(sotto, types[name][key], value) for key, value in given.items()}
        yield f"{name} {given}", lambda core, name=name, values=values: getattr(core, name)(**values), code


def arguments(surface):
    """For each call of SottoCore the types of its arguments."""
    body = surface.split("object SottoCore\n")[1].split("\nobject ")[0]
    calls = re.findall(r"^  (?:async )?fn (\w+)\((.*?)\)(?: ->| throws|$)", body, re.M)
    split = lambda text: [part.split(": ") for part in re.findall(r"\w+: [^,=]+", text)]
    return {name: {key: kind.strip().rstrip("?") for key, kind in split(inside)} for name, inside in calls}


def value_of(sotto, kind, value):
    if value is None:
        return None
    if kind.startswith("["):
        return [value_of(sotto, kind[1:-1], one) for one in value]
    if kind == "bytes":
        return bytes(value)
    if isinstance(value, str) and not kind.startswith("Sotto"):
        return TEXTS.get(value, value)
    if not kind.startswith("Sotto"):
        return value
    made = getattr(sotto, kind)
    if kind.endswith("Id"):
        return made(value=TEXTS.get(value, value))
    if isinstance(value, str):
        return made[value]
    if kind == "SottoAutoDownload":
        limits = lambda bytes: sotto.SottoNetworkLimits(unmetered=bytes, metered=bytes, roaming=bytes)
        return made(**{key: limits(value.get(key, 0)) for key in ("voice", "image", "video", "file")})
    defaults = {"SottoNetworkState": {"metered": False}, "SottoNewMention": {"contact": None}}.get(kind, {})
    text = lambda one: TEXTS.get(one, one) if isinstance(one, str) else one
    inner = {key: [text(x) for x in one] if isinstance(one, list) else text(one) for key, one in value.items()}
    return made(**defaults, **inner)
