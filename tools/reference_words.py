"""The prose around the tables of the reference pages."""

from __future__ import annotations

SURFACE_INTRODUCTION = """\
One row is one way to use a capability. *Events* are CPython audit events: they hold for captured references and for
C-level twins too. *Stand-ins* replace calls that raise no event; *door* means that the stand-in does more than
check and call, *final* that a whole-process run keeps no original. A note after it says what the row does not hold.
`open.write` is the event `open` for anything but reading; hermetic tells the two apart once, for all rows.
"""

SETTINGS_INTRODUCTION = """\
The keyword is an argument of `hermetic_blocker` and a field of `BlockConfig`; the `GuardConfig` name is a field of
the command line's request. `BlockConfig.from_kwargs` takes the keyword and the spellings under *also accepted*. A
setting that *needs* another one is an error without it."""

SETTINGS_COMBINED = """\
*join* makes one request from several (options, profiles): `any` is or, `extend` adds to the list, `first` keeps the
value that was there.

*narrow* makes the config that allows only what both allow (`BlockConfig.merged_with`, `|`): `any` is or, `both` is
and (of the sides that restrict the family), `extend` joins deny lists, `common` keeps what every side gives back,
`narrower` keeps the inner root. Nested blocks need no merging: every active block is asked."""

CLI_WORDS = """\
Everything before the first `--` is hermetic's; everything after it reaches the target untouched. Options are
written out: abbreviations are errors. A bare word first is a sub-command, and after it `--` ends its options:

- `hermetic doctor [--json]` prints what this interpreter and this machine can enforce.
- `hermetic why [--json] [--lookup] [OPTIONS] -- ACT TARGET` says whether an act is allowed, by which entry, and what
  would change it; status 0 allowed, 2 denied, 1 when it cannot be said. Acts: `connect`, `bind` (`HOST:PORT`, or the
  path of a Unix socket), `resolve`, `read`, `write`, `run`, `env`, `import`. Names are looked up only with `--lookup`.
- `hermetic policy show [--format toml|json] [OPTIONS]` prints the effective policy with the origin of each entry,
  `hermetic policy check FILE...` validates policy files (status 1 for one that is wrong), and
  `hermetic policy test FILE...` runs their assertions (status 2 when one does not hold).
  [How to write them down](../how-to/write-a-policy-file.md)."""

CLI_BLOCKED = """\
On 2, stderr ends with `hermetic: blocked action: MESSAGE`, the option that blocked it (with the file and line, or the
profile, that said so), the place in the program, and what would allow it. `--strict` makes any blocked act end in 2,
a child's too. A guarded Python child ends by the same rule. Of a target that is not Python, `--strict` counts
[what is reported](../explanation/three-layers.md#the-kernel): connections, and what the Pythons that it starts are
refused."""

CLI_TRACE = """\
`--trace` writes one line for each blocked act to the stderr of the start; `--report-only` writes `would block`
lines and a summary at exit. The same line is written a thousand times, then for the 10,000th act, the 100,000th and
so on, with `times=` and the number; the summary counts all. After 10,000 different lines new ones are counted by
call and option."""

CLI_TRACE_NEVER = """\
The part after the call is `host=`, `path=` or `name=`, by family; control characters are escaped. Process
arguments, values of variables and file contents are never written."""

ERRORS_INTRODUCTION = """\
The first line of a violation, `str(error)`, is a documented phrase followed by what the act was aimed at.
`error.guard` names the family and `error.target` the aim; `error.reason`, `error.remedy`, `error.place`,
`error.call` and `error.origin` hold what the command line prints below it.
"""

PYTEST_INTRODUCTION = """\
What can be asked for: on the command line, in the ini file, and in the marker or the fixture. What it means and how it
combines is in [Test with pytest](../how-to/test-with-pytest.md). Paths in the ini file are relative to that file.
"""

PYTEST_MARKER = """\
## The marker

`@pytest.mark.hermetic(*profiles, policy=None, **settings)` on a test, a class, or as `pytestmark` in a module. With
profiles or a policy file it starts anew from them; with settings alone it changes what is around it: lists add up, an
empty list or `False` takes back. `@pytest.mark.hermetic(off=True, reason="...")` guards nothing, and needs the reason.
A marker that cannot mean anything fails its test at set-up.
"""
