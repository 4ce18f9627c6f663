"""Which policy holds for which test, and for which fixture of a wider scope."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from _hermetic.blocks import enter_block, leave_block
from _hermetic.capabilities import FAMILIES
from _hermetic.compiled import Compiled, of_no_process
from _hermetic.running import reports
from hermetic.integrations.pytest_scopes import automatic_names, farthest_first, reached
from hermetic.integrations.pytest_settings import askers, given, marked, requested
from hermetic.integrations.pytest_values import Written, adjusted, widened
from hermetic.integrations.pytest_words import BLOCKED, POLICY, PREFIX
from hermetic.options import FLAGS
from hermetic.request import policy_from
from hermetic.request import requested as families_of
from hermetic.settings import BY_KEY
from hermetic.values import RESTRICTIONS, check, defaults, is_restrictive, naming_setting

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    import pytest
    from _pytest.nodes import Node

    from _hermetic.enforce.judge import Watcher
    from hermetic.integrations.pytest_settings import Reader
    from hermetic.integrations.pytest_values import Files, Values
    from hermetic.private_tmp import PrivateFolder

# Settings whose lists hold the folder that tmp_path and its kin lie in, where a policy restricts the file system.
TEMPORARY = ("allow_write", "allow_read")


class Policy:
    """What holds for a test: every one of its layers.

    own: what the nearest thing asked for, None for nothing; what a test may replace. fixed: what it may not
    (``--hermetic-strict``). blocks: what the test itself has taken away. asked_by: who asked for the rest, by the keys
    of restrictions. problem: why what was asked for cannot be. files: the policy files whose profiles may be named
    inside.
    """

    def __init__(
        self,
        own: Values | None,
        fixed: tuple[Values, ...] = (),
        blocks: tuple[Values, ...] = (),
        asked_by: Mapping[str, str] | None = None,
        problem: str | None = None,
        files: Files = (),
    ) -> None:
        self.files = files
        self.own = own
        self.fixed = fixed
        self.blocks = blocks
        self.asked_by = asked_by or {}
        self.problem = problem
        # Made ready when it is first entered; the temporary folder that was known then, and whether the test waited for
        # a violation.
        self.compiled: tuple[Compiled, ...] | None = None
        self.made_for: tuple[str | None, bool] = None, False
        # Settings' values of each layer that takes anything away, each once.
        self.layers: list[Values] = []
        for values in (*fixed, own, *blocks):
            if values is not None and is_restrictive(values) and values not in self.layers:
                self.layers.append(values)
        # Whether pytest itself needs nothing of what is taken away. (It writes no policy file of this run.)
        self.is_aside = all(set(families_of(values).families) == {"network"} for values in self.layers)

    def origin(self, reason: str) -> str:
        """Who asked for what refuses with this reason; empty where that is not known."""
        setting = FLAGS.get(f"--{reason.partition(' ')[0]}")
        if setting is None:
            return ""
        asked = self.asked_by.get(setting.key, "")
        blocked = any(values[setting.key] for values in self.blocks)
        return " and ".join([who for who in (asked, BLOCKED if blocked else "") if who])


class Policies:
    """The policies of a run, by what asks for them."""

    def __init__(self, base: Policy, strict: bool, report_only: bool, reader: Reader, watcher: Watcher) -> None:
        self.report_only = report_only
        # Whether a test waits for a violation: that is blocked, though nothing else be.
        self.is_expecting = False
        self.reader = reader
        self.watcher = watcher
        self.base = base
        # The folder that private_tmp stands for, once a policy with it holds.
        self.private: PrivateFolder | None = None
        self.temporary: str | None = None
        # What children are given; None where they are not to be guarded.
        self.children: tuple[Any, ...] | None = of_no_process(strict, reports.listen())
        self._known: dict[Node, Policy] = {}
        self._marked: dict[tuple[int, int], tuple[pytest.Mark, Policy, Policy]] = {}
        self._compiled: dict[tuple[Any, ...], Compiled] = {}
        self._fixtures: dict[int, Policy] = {}
        # Whether no marker asks for anything: a look at each would cost more than a trivial test may.
        self.is_uniform = False

    def of(self, node: Node | None) -> Policy:
        """What holds for an item, or for what items are in."""
        if node is None:
            return self.base
        known = self._known.get(node)
        if known is None:
            known = self._known[node] = self._asked_by(node, self.of(node.parent))
        return known

    def _asked_by(self, node: Node, around: Policy) -> Policy:
        """The marks of this node alone, the farthest first."""
        for mark in farthest_first(node) if around.problem is None else ():
            # All parameters of a test share a mark, and so they do its policy.
            known = self._marked.get((id(mark), id(around)))
            if known is None:
                found = self._marked_by(mark, around, f"@pytest.mark.hermetic of {node.nodeid.partition('[')[0]}")
                known = self._marked[id(mark), id(around)] = (mark, around, found)
            around = known[2]
        return around

    def _marked_by(self, mark: pytest.Mark, around: Policy, origin: str) -> Policy:
        try:
            files = self.reader.marked(mark.kwargs.get(POLICY))
            own = marked(mark, around.own, files, around.files)
            if files:
                check_files(own)
            anew = origin if mark.args or files else ""
            asked_by = {} if own is None else askers(own, around.asked_by, anew, given_by(mark, origin))
            return self.make(own, around, asked_by, files or around.files)
        except (ValueError, TypeError) as error:
            return Policy(around.own, around.fixed, problem=f"{origin}: {naming_setting(error, mark.kwargs)}")

    def make(self, own: Values | None, around: Policy, asked_by: Mapping[str, str], files: Files) -> Policy:
        """The same with another own layer. ValueError for values that cannot mean anything."""
        if own is not None:
            validate(own)
        if around.fixed:
            asked_by = {**asked_by, **self.base.asked_by}
        return Policy(own, around.fixed, around.blocks, asked_by, files=files)

    def widen(self, policy: Policy, guards: tuple[str, ...], values: Values) -> Policy:
        """What ``allow`` of the fixture makes of a policy."""
        if policy.own is None:
            return policy
        if is_restrictive({**defaults(), **values}):
            raise ValueError("allow() takes nothing away: use block() for that")
        lifted = {key: BY_KEY[key].default for guard in guards for key in restrictions_of(guard)}
        try:
            return self.make(adjusted(policy.own, {**lifted, **values}), policy, policy.asked_by, policy.files)
        except ValueError as error:
            raise ValueError(naming_setting(error, values)) from None

    def narrow(self, policy: Policy, profiles: tuple[str, ...], keywords: Values) -> Policy:
        """What ``block`` of the fixture makes of a policy."""
        keywords = dict(keywords)
        files = self.reader.marked(keywords.pop(POLICY, None))
        asked = requested(profiles, given(keywords), defaults(), files=files, scope=policy.files)
        try:
            validate(asked)
        except ValueError as error:
            raise ValueError(naming_setting(error, keywords)) from None
        if not is_restrictive(asked):
            raise ValueError("block() needs something to take away: a profile, or block_network=True")
        return Policy(policy.own, policy.fixed, (*policy.blocks, asked), policy.asked_by, files=policy.files)

    def compiled(self, policy: Policy) -> tuple[Compiled, ...]:
        """Its layers, ready to be entered."""
        made_for = self.temporary, self.is_expecting
        if policy.compiled is None or policy.made_for != made_for:
            policy.compiled = tuple([self._compile(values) for values in policy.layers])
            policy.made_for = made_for
        return policy.compiled

    def _compile(self, asked: Values) -> Compiled:
        values = dict(asked)
        values["report_only"] = not self.is_expecting and (self.report_only or values["report_only"])
        for name in TEMPORARY:
            setting = BY_KEY.get(name)
            if setting is not None and self.temporary and any(values[need] for need in setting.needs):
                values[name] = (*values[name], self.temporary)
        origins, protected = written(asked)
        key = (*values.items(), origins, protected)
        known = self._compiled.get(key)
        if known is None:
            folder = self._private_folder() if values["private_tmp"] else None
            policy = policy_from(values, origins, protected, folder)
            known = self._compiled[key] = Compiled(policy, self.children, watcher=self.watcher)
        return known

    def _private_folder(self) -> str:
        """The one of this run, which goes with it."""
        if self.private is None:
            import tempfile

            from hermetic.private_tmp import PrivateFolder

            tempfile.gettempdir()  # pytest's own folders do not lie in this one
            self.private = PrivateFolder()
        return self.private.path

    def end(self) -> None:
        """Nothing holds any more."""
        if self.private is not None:
            self.private.end()

    # --- fixtures that outlive a test ---

    def survey(self, items: list[pytest.Item], marks: Collection[str]) -> None:
        """Find out who requests the fixtures that outlive a test, if that makes a difference. marks: their names."""
        self._fixtures.clear()
        self.is_uniform = PREFIX not in marks
        if not self.is_uniform and len({id(self.of(item)) for item in items}) > 1:
            requests: dict[int, list[Policy]] = {}
            for item in items:
                for fixturedef, policy in self._requests(item):
                    wanted = requests.setdefault(id(fixturedef), [])
                    if not any(policy is known for known in wanted):
                        wanted.append(policy)
            self._fixtures = {name: self._widest(wanted) for name, wanted in requests.items()}

    def guard(self, items: list[pytest.Item]) -> bool:
        """Whether anything is taken away from any of these, or was to be."""
        policies = [self.base] if self.is_uniform else map(self.of, items)
        return not items or any(policy.layers or policy.problem for policy in policies)

    def _requests(self, item: pytest.Item) -> Iterable[tuple[Any, Policy]]:
        """(fixture, policy of who wants it) for every wider fixture that an item runs with."""
        info = getattr(item, "_fixtureinfo", None)
        if info is None:
            return
        automatic = automatic_names(item)
        named = [(name, self.of(item)) for name in info.initialnames if name not in automatic]
        for name in automatic:
            # Nobody but its scope asks for it: the module, say, and for the session what the run was given.
            fixturedefs = info.name2fixturedefs.get(name)
            named += [(name, self._of_scope(item, fixturedefs[-1]))] if fixturedefs else []
        for fixturedef, policy in reached(info, named):
            if fixturedef.scope != "function":
                yield fixturedef, policy

    def _of_scope(self, item: pytest.Item, fixturedef: Any) -> Policy:
        """The policy of what a fixture's scope is, for this item."""
        kinds = {"class": "Class", "module": "Module", "package": "Package"}
        if fixturedef.scope == "function":
            return self.of(item)
        for node in reversed(item.listchain()):
            if type(node).__name__ == kinds.get(fixturedef.scope):
                return self.of(node)
        return self.base if fixturedef.scope == "session" else self.of(item.parent)

    def _widest(self, wanted: list[Policy]) -> Policy:
        """What allows all that any of them allows."""
        first, *others = wanted
        own, fixed, asked_by = first.own, first.fixed, dict(first.asked_by)
        for policy in others:
            if own is not None:
                own = None if policy.own is None else widened(own, policy.own)
            for key, who in policy.asked_by.items():
                if who != asked_by.setdefault(key, who):
                    asked_by[key] = f"{first.asked_by.get(key, who)} and others"
        return first if not others else Policy(own, fixed, asked_by=asked_by)

    @property
    def shared(self) -> bool:
        """Whether any fixture that outlives a test has a policy of its own."""
        return bool(self._fixtures)

    def of_fixture(self, fixturedef: Any) -> Policy | None:
        """What holds for this fixture, where that is not what holds for the running test."""
        return self._fixtures.get(id(fixturedef))


def validate(values: Mapping[str, Any]) -> None:
    """ValueError for values that cannot mean anything."""
    try:
        check(values, {key: key for key in values})
        policy_from(values)
    except ValueError as error:
        if not isinstance(values, Written) or not values.files:
            raise
        from hermetic.integrations.pytest_files import placed

        raise placed(error, values) from None


def given_by(mark: pytest.Mark, origin: str) -> dict[str, str]:
    """Who asked for the settings of a marker, by their keys."""
    if not mark.kwargs:
        return {}
    from hermetic.keywords import ALIASES  # loaded: it has read them

    return {ALIASES.get(keyword, keyword): origin for keyword in mark.kwargs}


def check_files(values: Values | None) -> None:
    """A policy file that is named and takes nothing away must not look like one that does. ValueError."""
    if isinstance(values, Written) and values.files:
        from hermetic.integrations.pytest_files import take_away

        take_away(values)


def written(values: Values) -> tuple[tuple[Any, ...], tuple[str, ...]]:
    """(where these values were written, as a policy has it; the policy files themselves)."""
    if not isinstance(values, Written) or not values.files:
        return (), ()
    from hermetic.integrations.pytest_files import rows  # loaded: it has read the files

    return rows(values), values.protected


def restrictions_of(guard: str) -> list[str]:
    """The settings that take away what this guard guards. ValueError for a name that is none."""
    found: list[str] = []
    known: set[str] = set()
    for key in RESTRICTIONS:
        sample: Any = True if BY_KEY[key].default is False else ("x",)
        families = families_of({**defaults(), key: sample}).families
        known.update(families)
        if guard in families:
            found.append(key)
    if not found:
        raise ValueError(f"{guard!r} is no guard (known: {', '.join([name for name in FAMILIES if name in known])})")
    return found


class Place:
    """The plugin's own entry in the session."""

    def __init__(self, policies: Policies) -> None:
        self._policies = policies
        self._tokens: list[object] = []
        self.held: Policy | None = None

    def hold(self, policy: Policy | None) -> None:
        """Put this policy in force in place of what was there; None for nothing at all."""
        if policy is self.held:
            return
        tokens: list[object] = []
        # The new one first: between two policies there is no moment without one.
        for compiled in () if policy is None else self._policies.compiled(policy):
            token = object()
            enter_block(token, compiled)
            tokens.append(token)
        before, self._tokens = self._tokens, tokens
        self.held = policy
        for token in before:
            leave_block(token)

    def renew(self) -> None:
        """Put the same in force again, where more is known of it than when it was made ready."""
        held, self.held = self.held, None
        if held is not None:
            self.hold(held)
