"""What asks for a policy: command line, ini section, markers, the fixture; and the nearest of them wins."""

from __future__ import annotations

import re

import pytest

from hermetic.integrations.pytest_options import INI_KEYS, help_of
from hermetic.integrations.pytest_settings import requested
from hermetic.integrations.pytest_values import adjusted, widened
from hermetic.integrations.pytest_words import REFUSED, flag_of, ini_key
from hermetic.settings import SETTINGS
from hermetic.values import PROFILES, defaults

from .suites import verdicts

REACH = """
def reach(host="255.255.255.255"):  # the kernel sends nothing there
    with socket.socket() as s:
        s.settimeout(0.2)
        try:
            s.connect((host, 80))
        except OSError:
            pass
"""


def test_nothing_happens_until_asked(suite):
    suite.write(
        test_it="""
        import sys
        def test_reaches():
            socket.create_connection(("127.0.0.1", PORT)).close()
        def test_no_guard_is_loaded():
            loaded = [name for name in sys.modules if name.startswith(("_hermetic.", "hermetic."))]
            assert not [name for name in loaded if "enforce" in name or name.count(".") > 1 and "capab" in name], loaded
            assert "hermetic.integrations.pytest_runs" not in loaded
        """
    )
    result = suite.run("--strict-markers")
    result.assert_outcomes(passed=2)
    assert "hermetic:" not in result.stdout.str()


@pytest.mark.parametrize("how", ["option", "profile", "ini", "ini_setting", "module", "class", "function"])
def test_each_way_of_asking_asks(suite, how):
    mark = '@pytest.mark.hermetic("net-hermetic")'
    body = f"""
{"pytestmark = pytest.mark.hermetic('net-hermetic')" if how == "module" else ""}
{mark if how == "class" else ""}
class TestIt:
    {mark if how == "function" else ""}
    def test_it(self):
        socket.create_connection(("127.0.0.1", PORT)).close()
        socket.gethostbyname("blocked.example")
"""
    suite.write(test_it=body)
    if how == "ini":
        suite.ini("hermetic_profile = net-hermetic")
    elif how == "ini_setting":
        suite.ini("hermetic_block_network = true\nhermetic_allow_localhost = true")
    words = {
        "option": ["--hermetic-no-network", "--hermetic-allow-localhost"],
        "profile": ["--hermetic", "net-hermetic"],
    }
    result = suite.run("--strict-markers", "--strict-config", *words.get(how, []))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*network disabled: DNS(blocked.example)*"])


def test_every_option_of_the_command_line_is_there(suite):
    result = suite.run("--help")
    text = result.stdout.str()
    for setting in SETTINGS:
        for flag in setting.flags:
            assert flag_of(flag) in text
        if setting.name and setting.key not in REFUSED:
            assert ini_key(setting.key) in text
            assert ini_key(setting.key) in INI_KEYS


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--hermetic", "no-such"], "hermetic: --hermetic: unknown profile 'no-such'"),
        (["--hermetic-allow-localhost"], "hermetic: --hermetic-allow-localhost needs --hermetic-no-network"),
        (["--hermetic-allow-read", "x"], "hermetic: --hermetic-allow-read needs --hermetic-fs-readonly=ROOT"),
        (["--hermetic-strict"], "--hermetic-strict needs something to block"),
        (["--hermetic-no-network", "--hermetic-seal"], "--hermetic-seal is not for a test run"),
        (["--hermetic-no-network", "--hermetic-kernel", "require"], "--hermetic-kernel is not for a test run"),
        (["--hermetic-no-network", "--hermetic-keep-fd", "3"], "--hermetic-keep-fd is not for a test run"),
        (["--hermetic-fs-readonly", "test_it.py"], "write the tests before it, or --hermetic-fs-readonly=test_it.py"),
        (["--hermetic-no-environment=nonsense"], "takes --hermetic-no-environment=unset or nothing"),
        (["--hermetic", "off", "--hermetic-no-network"], "--hermetic off guards nothing"),
        (["--hermetic-no-network", "--hermetic-allow-domain", ""], "--hermetic-allow-domain: '' is not a domain name"),
        (["--hermetic-no-network", "--hermetic-allow-domain", "10.0.0.0/8"], "are for --hermetic-allow-host ("),
    ],
)
def test_what_cannot_mean_anything_is_a_usage_error(suite, words, said):
    suite.write(test_it="def test_it(): pass")
    result = suite.run(*words)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert said in result.stderr.str() + result.stdout.str()


def test_a_bad_value_of_the_ini_file_is_told_with_its_key(suite):
    suite.write(test_it="def test_it(): pass")
    suite.ini("hermetic_block_network = yes please\n")
    result = suite.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "hermetic: pytest.ini: hermetic_block_network: " in result.stderr.str()
    assert "'yes please'" in result.stderr.str()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("hermetic_profile = net-hermetic no-such", "hermetic_profile: unknown profile 'no-such'"),
        ("hermetic_allow_localhost = true", "hermetic_allow_localhost needs hermetic_block_network"),
        ("hermetic_environment_unset = true", "hermetic_environment_unset needs hermetic_block_environment"),
        (
            "hermetic_block_network = true\nhermetic_allow_domains =\n  a.org\n  b c\n",
            "hermetic_allow_domains: 'b c' is not a domain name",
        ),
        (
            "hermetic_fs_readonly = true\nhermetic_fs_root = /no/such/folder",
            "hermetic_fs_root: the root '/no/such/folder' does not exist",
        ),
    ],
)
def test_mistakes_are_told_in_the_spelling_of_the_ini_file_with_its_name(suite, line, said):
    suite.write(test_it="def test_it(): pass")
    suite.ini(line)
    result = suite.run("--hermetic-no-subprocess" if "localhost" in line else "-q")
    if "localhost" in line:  # the command line takes nothing of it away, so that there is nothing to give back
        assert result.ret == pytest.ExitCode.OK
        result = suite.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert f"hermetic: pytest.ini: {said}" in result.stderr.str()


@pytest.mark.parametrize(("table", "name"), [("pytest.ini_options", "pyproject.toml"), ("pytest", "pyproject.toml")])
def test_an_item_that_is_no_text_is_told_with_file_and_key(suite, table, name):
    suite.write(test_it="def test_it(): pass")
    text = f'[tool.{table}]\nhermetic_block_network = true\nhermetic_allow_domains = ["a.org", 3]\n'
    (suite.path / name).write_text(text)
    result = suite.run()
    if table == "pytest" and result.ret == pytest.ExitCode.OK:
        pytest.skip("this pytest does not read the table")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in result.stderr.lines if line.startswith("ERROR: ")]
    for part in (name, "hermetic_allow_domains", "3", "list of strings"):
        assert part in line


def test_options_that_are_of_no_use_say_so(suite):
    suite.write(
        test_plain="def test_it(): pass",
        test_marked="@pytest.mark.hermetic('net-hermetic')\ndef test_marked(): pass",
        test_fixture="def test_fixture(hermetic): pass",
    )
    words = ("-q", "--hermetic-baseline=known.json", "--hermetic-report=out.json", "--hermetic-mode=warn")

    def told(*more):
        result = suite.run(*words, *more, plugins=("xdist",))
        assert result.ret == pytest.ExitCode.OK
        return [line.split()[1] for line in result.stdout.lines if line.endswith("no test of this run has a policy")]

    everything = ["--hermetic-mode", "--hermetic-baseline", "--hermetic-report"]
    assert told("test_plain.py") == everything
    assert told("test_plain.py", "test_marked.py", "--hermetic", "off") == everything
    # No baseline is written, by which every violation would be a new one later.
    assert not (suite.path / "known.json").exists()
    for more in (["--hermetic", "net-hermetic"], ["test_marked.py"], ["test_fixture.py"]):
        assert told("test_plain.py", *more) == []


def test_workers_tell_whether_an_option_is_of_use(suite):
    pytest.importorskip("xdist")
    suite.write(
        test_plain="def test_it(): pass", test_marked="@pytest.mark.hermetic('net-hermetic')\ndef test_marked(): pass"
    )
    words = ("-q", "-n", "2", "--hermetic-baseline=known.json")
    result = suite.run(*words, "test_plain.py", plugins=("xdist",))
    assert "hermetic: --hermetic-baseline is of no use: no test of this run has a policy" in result.stdout.lines
    assert not (suite.path / "known.json").exists()
    suite.run(*words, plugins=("xdist",))
    assert (suite.path / "known.json").exists()


def test_help_names_options_as_this_command_line_spells_them():
    ours = {flag_of(flag) for setting in SETTINGS for flag in setting.flags}
    for setting in SETTINGS:
        if setting.key not in REFUSED:
            words = re.findall(r"--[a-z][a-z-]*", help_of(setting))
            assert not [word for word in words if word not in ours and word != "--hermetic-mode"], help_of(setting)


MARKERS = """
class TestMarkers:
    @pytest.mark.hermetic(off=True)
    def test_no_reason(self): pass
    @pytest.mark.hermetic(off=True, reason=" ")
    def test_empty_reason(self): pass
    @pytest.mark.hermetic("net-hermetic", off=True, reason="why")
    def test_both(self): pass
    @pytest.mark.hermetic("no-such")
    def test_unknown_profile(self): pass
    @pytest.mark.hermetic(no_such=True)
    def test_unknown_setting(self): pass
    @pytest.mark.hermetic(block_network="yes")
    def test_wrong_type(self): pass
    @pytest.mark.hermetic(block_network=True, sealed=True)
    def test_sealed(self): pass
    @pytest.mark.hermetic(block_subprocess=True, environment_unset=True)
    def test_nothing_to_relax(self): pass
    @pytest.mark.hermetic(allow_domains="example.com")
    def test_string_for_a_list(self): pass
    @pytest.mark.hermetic(deny_hosts=["example.org", "a b"])
    def test_item_of_a_list(self): pass
    @pytest.mark.hermetic("exec-deny", allow_run=["no-such-program"])
    def test_program(self): pass
    @pytest.mark.hermetic
    def test_bare(self): pass
    @pytest.mark.hermetic(reason="why")
    def test_reason_alone(self): pass
    @pytest.mark.hermetic(["net-hermetic"])
    def test_list_of_profiles(self): pass
    @pytest.mark.hermetic(profile="net-hermetic")
    def test_keyword(self): pass
    def test_others_run(self): pass
"""


def test_a_marker_that_cannot_mean_anything_fails_its_test_alone(suite):
    suite.write(test_it=MARKERS)
    result = suite.run("--hermetic", "net-hermetic")
    result.assert_outcomes(errors=15, passed=1)
    result.stdout.fnmatch_lines_random(
        [
            "*test_no_reason: off=True needs a reason: @pytest.mark.hermetic(off=True, reason=*",
            "*test_both: off=True stands alone, with its reason",
            "*test_unknown_profile: unknown profile 'no-such'*",
            "*test_unknown_setting: unknown setting 'no_such'*",
            "*test_wrong_type: block_network is True or False, not 'yes'",
            "*test_sealed: sealed is not for a test run*",
            "*test_nothing_to_relax: environment_unset needs block_environment or must be left out",
            "*test_string_for_a_list: allow_domains is a list: write*",
            "*test_item_of_a_list: deny_hosts: 'a b' is not a host: *",
            "*test_program: allow_run: 'no-such-program' is no program: *",
            "*test_bare: nothing is asked for: name a profile *",
            "*test_reason_alone: nothing is asked for: *",
            "*test_list_of_profiles: a profile is a name, not [[]'net-hermetic']",
            "*test_keyword: a profile is named without a keyword: 'net-hermetic'",
        ]
    )


NEAREST = (
    REACH
    + """
import subprocess
pytestmark = pytest.mark.hermetic("exec-deny")

def test_module_started_anew():
    reach()  # what the ini file takes away is given back by a profile that does not take it away

@pytest.mark.hermetic(block_network=True)
class TestNarrowed:
    def test_inherits_both(self, hermetic):
        with hermetic.expect("network"):
            reach()
        with hermetic.expect("subprocess"):
            subprocess.run(["true"])

    @pytest.mark.hermetic(block_subprocess=False)
    def test_gives_one_back(self, hermetic):
        subprocess.run(["true"])
        with hermetic.expect("network"):
            reach()

    @pytest.mark.hermetic(off=True, reason="shows that the nearest wins")
    def test_off(self):
        subprocess.run(["true"])
        reach()
"""
)


def test_the_nearest_wins(suite):
    suite.ini("hermetic_profile = net-hermetic")
    suite.write(test_it=NEAREST)
    suite.run().assert_outcomes(passed=4)


def test_of_markers_on_one_thing_the_nearest_is_asked_last(suite):
    """As pytest has them: the lowest decorator, the first of a list, and a derived class before its base."""
    adds, begins = (
        "pytest.mark.hermetic(allow_localhost=True)",
        'pytest.mark.hermetic("net-hermetic", allow_localhost=False)',
    )
    suite.write(
        test_it=f"""
def reaches():
    socket.create_connection(("127.0.0.1", PORT)).close()

@{begins}
@{adds}
def test_reaches_function(): reaches()
@{adds}
@{begins}
def test_blocked_function(): reaches()

@{begins}
@{adds}
class TestReachesClass:
    def test_it(self): reaches()
@{adds}
class TestReachesDerived(TestReachesClass): pass
@{begins}
class TestBlockedDerived(TestReachesClass): pass
class TestReachesList:
    pytestmark = [{adds}, {begins}]
    def test_it(self): reaches()

@pytest.mark.parametrize("n", [pytest.param(1, marks={adds})])
@{begins}
def test_reaches_parameter(n): reaches()
"""
    )
    outcomes = verdicts(suite.run("-v"))
    assert len(outcomes) == 7, outcomes
    refused = [name for name, outcome in outcomes.items() if outcome != "PASSED"]
    assert len(refused) == 2 and all("locked" in name for name in refused), outcomes


def test_command_line_profile_replaces_that_of_the_ini_file_and_options_add_to_it(suite):
    suite.ini("hermetic_profile = net-hermetic")
    suite.write(
        test_it=REACH
        + """
import subprocess
def test_network():
    reach()
def test_process():
    subprocess.run(["true"])
"""
    )
    assert verdicts(suite.run("--hermetic", "exec-deny")) == {"test_network": "PASSED", "test_process": "FAILED"}
    assert verdicts(suite.run("--hermetic-no-subprocess")) == {"test_network": "FAILED", "test_process": "FAILED"}


def test_off_on_the_command_line_wins_over_everything(suite):
    suite.ini("hermetic_profile = net-hermetic")
    suite.write(
        test_it=REACH
        + """
@pytest.mark.hermetic("block-all")
def test_it(hermetic):
    reach()
    assert hermetic.violations == []
"""
    )
    suite.run("--hermetic", "off").assert_outcomes(passed=1)


STRICT = (
    REACH
    + """
import subprocess
@pytest.mark.hermetic(off=True, reason="wants to")
def test_off():
    reach()

@pytest.mark.hermetic(allow_domains=["example.com"])
def test_marker():
    socket.gethostbyname("example.com")

def test_fixture(hermetic):
    with hermetic.allow("network"):
        reach()

@pytest.mark.hermetic("exec-deny")
def test_narrower_holds_as_well(hermetic):
    with hermetic.expect("network"):
        reach()
    with hermetic.expect("subprocess"):
        subprocess.run(["true"])

def test_no_child_that_nothing_guards():
    subprocess.run(["true"])
"""
)


def test_a_strict_policy_is_not_widened(suite):
    suite.write(test_it=STRICT)
    assert verdicts(suite.run("--hermetic", "net-hermetic", "--hermetic-strict")) == {
        "test_off": "FAILED",
        "test_marker": "FAILED",
        "test_fixture": "FAILED",
        "test_narrower_holds_as_well": "PASSED",
        "test_no_child_that_nothing_guards": "FAILED",
    }


def test_an_allowance_alone_changes_nothing_where_nothing_is_taken_away(suite):
    suite.write(test_it='@pytest.mark.hermetic(allow_domains=["example.com"])\ndef test_it(): pass')
    suite.run().assert_outcomes(passed=1)


def test_blocks_inside_a_test_still_narrow(suite):
    suite.write(
        test_it="""
        from hermetic import PolicyViolation, hermetic_blocker
        def test_it(hermetic):
            hermetic.allow("network")
            with hermetic_blocker(block_network=True), pytest.raises(PolicyViolation):
                socket.create_connection(("127.0.0.1", PORT))
            assert hermetic.violations == [], "a block of the test's own is its own affair"
        """
    )
    suite.run("--hermetic-no-network").assert_outcomes(passed=1)


def test_a_wrong_item_is_told_by_its_keyword_in_the_fixture_too(suite):
    suite.write(
        test_it="""
        @pytest.mark.parametrize("change", ["allow", "block"])
        def test_it(hermetic, change):
            with pytest.raises(ValueError, match="^allow_hosts: 'a b' is not a host"):
                getattr(hermetic, change)(**({"block_network": True} if change == "block" else {}), allow_hosts=["a b"])
        """
    )
    suite.run("--hermetic-no-network").assert_outcomes(passed=2)


# --- the tables ---


def test_a_profile_starts_anew_and_settings_change_what_is_around():
    around = requested(["net-hermetic"], {}, defaults())
    assert requested(["exec-deny"], {}, around)["block_network"] is False
    assert requested([], {"block_subprocess": True}, around)["block_network"] is True
    wider = adjusted({**around, "allow_domains": ("a.example",)}, {"allow_domains": ("b.example",)})
    assert wider["allow_domains"] == ("a.example", "b.example")
    assert adjusted(wider, {"block_network": False}) == defaults()


@pytest.mark.parametrize("one", PROFILES)
@pytest.mark.parametrize("two", PROFILES)
def test_the_wider_of_two_takes_away_what_both_take_away(one, two):
    mine, theirs = requested([one], {}, defaults()), requested([two], {}, defaults())
    wide = widened(mine, theirs)
    for setting in SETTINGS:
        if setting.default is False and not setting.needs:
            assert wide[setting.key] == (mine[setting.key] and theirs[setting.key])
    assert wide["allow_localhost"] == (wide["block_network"] and (mine["allow_localhost"] or theirs["allow_localhost"]))


def test_the_wider_of_two_roots_holds_the_other(tmp_path):
    (tmp_path / "in").mkdir()
    values = [{**defaults(), "fs_readonly": True, "fs_root": str(tmp_path / name)} for name in ("", "in", "other")]
    assert widened(values[0], values[1])["fs_root"] == str(tmp_path / "")
    assert widened(values[1], values[0])["fs_root"] == str(tmp_path / "")
    assert widened(values[1], values[2])["fs_root"] is None
    assert widened(values[0], {**defaults(), "fs_readonly": True})["fs_root"] is None


def test_nothing_is_left_to_the_import_system(suite, monkeypatch):
    # It would take longer to find a module than to run it, and pytest's own hook would rewrite it.
    monkeypatch.setenv("PYTHONPROFILEIMPORTTIME", "1")
    suite.write(test_it="def test_it(): pass")
    result = suite.run("--hermetic", "net-hermetic")
    result.assert_outcomes(passed=1)
    names = {line.rpartition("|")[2].strip() for line in result.stderr.lines}
    found = {name for name in names if name.startswith(("hermetic", "_hermetic"))}
    assert found <= {"hermetic", "hermetic.integrations", "hermetic.integrations.pytest_plugin"}


def test_pytest_says_nothing_where_hermetic_was_imported_before_it(suite):
    suite.write(test_it="def test_it(): pass")
    code = "import sys, hermetic, pytest; sys.exit(pytest.main(['-W', 'error', '-p', 'no:asyncio']))"
    result = suite.pytester.runpython_c(code)
    assert result.ret == 0, result.stdout.str()
    assert "rewrit" not in result.stdout.str() + result.stderr.str()
