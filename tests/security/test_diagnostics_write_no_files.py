"""Diagnostics that write a file of their own accord: CVE-2026-48617, Node's ``report.writeReport()``."""

from __future__ import annotations

import pytest
from filesystem_attempts import PLACES, has_module, nothing_changes

REPORTS = {
    "faulthandler": "import faulthandler; faulthandler.dump_traceback(open('canary', 'w'))",
    "faulthandler_reopened": "import faulthandler, os; d = os.open('victim.txt', 0); "
    "faulthandler.dump_traceback(open('/proc/self/fd/%d' % d, 'a'))",
    "tracemalloc": "import tracemalloc; tracemalloc.start(); tracemalloc.take_snapshot().dump('canary')",
    "profile": "import profile; p = profile.Profile(); p.create_stats(); p.dump_stats('canary')",
    "pstats": "import pstats; s = pstats.Stats(); s.stats = {}; s.dump_stats('canary')",
    "trace": "import trace; trace.CoverageResults(outfile='canary').update(trace.CoverageResults()); "
    "trace.CoverageResults(outfile='canary').write_results(coverdir='.')",
    "keylog": "import ssl; ssl.create_default_context().keylog_filename = 'canary'",
    "keylog_of_a_subclass": "import ssl\nclass C(ssl.SSLContext): pass\nC(ssl.PROTOCOL_TLS_CLIENT).keylog_filename = 'canary'",
    "logging_config": "import logging.config; logging.config.dictConfig({'version': 1, 'handlers': {'f': "
    "{'class': 'logging.FileHandler', 'filename': 'canary'}}, 'root': {'handlers': ['f']}})",
    "rotating_log": "import logging.handlers; logging.handlers.RotatingFileHandler('canary')",
    "mailbox": "import mailbox; mailbox.mbox('canary').add('x')",
    "cgitb": "import traceback; traceback.print_stack(file=open('canary', 'a'))",
    "cookies": "import http.cookiejar; http.cookiejar.LWPCookieJar('canary').save()",
    "plist": "import plistlib; plistlib.dump({}, open('canary', 'wb'))",
    "venv": "import venv; venv.EnvBuilder().create('canary')",
}
if has_module("readline"):
    REPORTS["history"] = "import readline; readline.add_history('x'); readline.write_history_file('canary')"
    REPORTS["history_appended"] = (
        "import readline; readline.add_history('x'); open('canary', 'a').close(); readline.append_history_file(1, 'canary')"
    )
if has_module("_lsprof"):
    REPORTS["c_profile"] = "import cProfile; p = cProfile.Profile(); p.runcall(len, ''); p.dump_stats('canary')"


@pytest.mark.parametrize("place", ("plain", *PLACES))
def test_no_report_is_written(isolated, place):
    nothing_changes(isolated, REPORTS, place)


@pytest.mark.parametrize(
    "options",
    [["-X", "importtime"], ["-X", "tracemalloc"], ["-X", "faulthandler"], ["-X", "perf"], ["-X", "dev"], ["-v"]],
    ids=" ".join,
)
def test_options_of_the_interpreter_write_no_file(isolated, options):
    isolated.write("target.py", "print('ran')")
    before = sorted(path.name for path in isolated.folder.iterdir())
    isolated.cli("--fs-readonly", "--", "python", *options, "./target.py")
    assert sorted(path.name for path in isolated.folder.iterdir()) == before
