"""``hermetic why [OPTIONS] -- ACT TARGET``: allowed or denied, by what, and what would change it."""

from __future__ import annotations

import os
from typing import Any

from _hermetic.acts import ACTS, CONNECT, is_unix, place_of, refusal_under
from _hermetic.capabilities.network.addresses import packed_address
from _hermetic.compiled import Compiled
from _hermetic.events import for_shell
from _hermetic.extract import printable
from hermetic.options import SPELLED, UsageError, read_choice
from hermetic.policies.choice import located
from hermetic.policies.judging import Verdict, verdict
from hermetic.request import policy_from

ALLOWED, DENIED = 0, 2
JSON, LOOKUP = "--json", "--lookup"
PATHS = ("read", "write", "run")
# A package may hold many files; beyond this many nobody looks for native code.
MOST_FILES = 5000


def main(words: list[str]) -> int:
    """Print the answer. Exit status 0 when it is allowed, 2 when it is denied. UsageError."""
    if "--" not in words:
        raise UsageError(f"why: the act comes after --: hermetic why [OPTIONS] -- {'|'.join(ACTS)} TARGET")
    cut = words.index("--")
    options, act = words[:cut], words[cut + 1 :]
    if len(act) != 2:
        raise UsageError(f"why: an act is two words, one of {', '.join(ACTS)} and its target")
    choice = read_choice([word for word in options if word not in (JSON, LOOKUP)])
    try:
        verb, text = act
        if verb in PATHS:
            text = os.path.expanduser(text)  # quoted, a shell leaves it to us, as in an entry
        found, notes = with_notes(verdict(choice, verb, text), choice.values, verb, text, LOOKUP in options)
    except ValueError as error:
        raise UsageError(located(str(error), choice.origins, SPELLED)) from None
    if JSON in options:
        import json

        print(json.dumps(plain(found, act, notes), indent=2))
    else:
        print("\n".join(lines(found, act, notes)))
    return ALLOWED if found.allowed else DENIED


def plain(found: Verdict, act: list[str], notes: list[str]) -> dict[str, Any]:
    """For machines."""
    return {
        "act": act[0],
        "target": act[1],
        "allowed": found.allowed,
        "message": found.message,
        "by": [{"option": option, "origin": where} for option, where in found.by],
        "to_change": {"option": found.option, "toml": found.toml},
        "notes": notes,
    }


def lines(found: Verdict, act: list[str], notes: list[str]) -> list[str]:
    """For people; what stands under a violation, in the same words."""
    said = [f"{'allowed' if found.allowed else 'denied'}: {act[0]} {printable(act[1])}"]
    if found.message:
        said.append(f"  {printable(found.message)}")
    verb = "allowed by" if found.allowed else "blocked by"
    for option, where in found.by:
        place = f" ({printable(where)})" if where and not where.startswith("--") else ""
        said.append(f"  {verb}: {printable(option)}{place}")
    if not found.by:
        said.append(f"  {verb}: nothing in this policy denies it")
    said += [f"  note: {printable(note)}" for note in notes]
    change = f"{found.option}, or {found.toml}" if found.toml else found.option
    said.append(f"  to {'deny' if found.allowed else 'allow'} it: {for_shell(change)}")
    return said


def with_notes(found: Verdict, values: dict[str, Any], verb: str, text: str, lookup: bool) -> tuple[Verdict, list[str]]:
    """What the answer leaves open, or with a look-up, what it comes to."""
    if verb == "connect" and found.allowed and any(values[key] for key in NETWORK) and not is_unix(text):
        host, port = place_of(text, verb)
        if packed_address(host) is None and host != "localhost":
            return looked_up(found, values, host, port) if lookup else (found, [NOT_LOOKED_UP])
    if verb == "import" and found.allowed and values["block_native"]:
        return found, native_notes(values, text)
    return found, []


NETWORK = ("block_network", "deny_hosts", "deny_private_network")
NOT_LOOKED_UP = (
    "the name was not looked up (--lookup does); of what it resolves to, addresses that need a permission of their "
    "own stay denied: loopback, link-local, cloud metadata"
)


def looked_up(found: Verdict, values: dict[str, Any], host: str, port: int) -> tuple[Verdict, list[str]]:
    """The same with what the name means now."""
    import socket

    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        return found, [f"{host} does not resolve: {error}"]
    addresses = list(dict.fromkeys(str(answer[4][0]) for answer in answers))
    notes = [f"{host} resolves to {', '.join(addresses)}"]
    compiled = Compiled(policy_from({**values, "report_only": False}, by_options=True))
    for entry in compiled.entries:
        if entry[1] == "network" and entry[8] is not None and entry[0].endswith("getaddrinfo"):
            entry[8](entry[6], (host,), None, answers)  # the addresses are reachable under this name's rule
    for address in addresses:
        refused = refusal_under(compiled, ((CONNECT, (address, port)),))
        if refused is not None:
            by = (("--" + refused[1], ""),)
            return Verdict(False, refused[0], by, refused[2], ""), [
                *notes,
                "the name is allowed, one of its addresses is not",
            ]
    return found, notes


def native_notes(values: dict[str, Any], name: str) -> list[str]:
    """The first extension module of a package that would be refused."""
    from importlib.machinery import EXTENSION_SUFFIXES, PathFinder

    top = name.partition(".")[0]
    spec = PathFinder.find_spec(top)
    compiled = Compiled(policy_from({**values, "report_only": False}, by_options=True))
    seen = 0
    for place in (spec.submodule_search_locations or ()) if spec is not None else ():
        for folder, _, files in os.walk(place):
            for file in files:
                seen += 1
                if file.endswith(tuple(EXTENSION_SUFFIXES)):
                    path = os.path.join(folder, file)
                    refused = refusal_under(compiled, (("import", (f"{top}.{file}", path, [], [], [])),))
                    if refused is not None:
                        return [f"{top} has native code, which is blocked: {path}; to allow it: {refused[2]}"]
            if seen > MOST_FILES:
                return [f"{top} has many files; not all of them were looked at for native code"]
    return []
