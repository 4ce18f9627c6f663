"""Doctests under the plugin: pytest may compile their examples, and a violation is shown at its example's line."""

from __future__ import annotations

import json
import sys

import pytest

MODULE = """
    def plain():
        '''
        >>> 1 + 1
        2
        >>> for n in (1, 2):
        ...     print(n)
        1
        2
        '''

    def evaluates():
        '''
        >>> eval("1 + 1")
        2
        '''

    def executes_code():
        '''
        >>> exec((lambda: None).__code__)
        '''

    def runs_another():
        '''
        >>> import doctest, sys
        >>> doctest.run_docstring_examples("> >> print(1)".replace("> >>", ">>>"), {})
        '''

    def borrows_the_name():
        '''
        >>> def _DocTestRunner__run(self, test, compileflags, out):
        ...     return compile("1", "<doctest>", "eval")
        >>> import doctest
        >>> getattr(_DocTestRunner__run(None, None, 0, None), "co_name")
        '<module>'
        '''
"""


@pytest.mark.parametrize("words", [("--hermetic", "block-all"), ("--hermetic-no-code-exec",)], ids=["all", "code"])
def test_examples_are_compiled_and_what_they_compile_is_not(suite, words):
    suite.write(module=MODULE)
    report = suite.path / "report.json"
    result = suite.run("--doctest-modules", "module.py", *words, "--hermetic-report", str(report))
    result.assert_outcomes(passed=1, failed=4)
    found = [(v["test"].rpartition(".")[2], v["message"]) for v in json.loads(report.read_text())["violations"]]
    refused = "dynamic code execution disabled: "
    assert found == [
        ("borrows_the_name", refused + "compile"),
        ("evaluates", refused + "eval"),
        ("executes_code", refused + "exec"),
        ("runs_another", refused + "compile"),
    ]


def test_a_text_file_is_a_doctest_too(suite):
    suite.pytester.maketxtfile(
        test_page="""
        >>> 1 + 1
        2

        >>> import os
        >>> try:
        ...     print("here")
        ...     os.system("true")
        ... except Exception as error:
        ...     print(error)
        here
        subprocess disabled: system(true)
        """
    )
    result = suite.run("--hermetic", "block-all")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["test_page.txt:7: subprocess disabled: *", "    ...     os.system(*"])


def test_a_violation_is_shown_at_the_line_of_its_example(suite):
    suite.write(
        module="""
        def look():
            socket.gethostbyname("blocked.example")

        def swallows():
            '''Three lines before the
            first example.

            >>> import contextlib
            >>> with contextlib.suppress(Exception):
            ...     print(1)
            ...     look()
            1
            '''

        def fails():
            '''
            >>> socket.gethostbyname("other.example")
            '''
        """
    )
    result = suite.run("--doctest-modules", "module.py", "--hermetic", "net-hermetic", "--hermetic-report=report.json")
    result.assert_outcomes(failed=2)
    first, second = json.loads((suite.path / "report.json").read_text())["violations"]
    lines = (suite.path / "module.py").read_text().splitlines()
    assert lines[first["line"]["line"] - 1].strip() == '>>> socket.gethostbyname("other.example")'
    assert lines[second["line"]["line"] - 1].strip() == "...     look()"
    text = result.stdout.str()
    assert "hermetic.errors.PolicyViolation: network disabled: DNS(other.example)" in text
    assert "_hermetic" not in text  # none of its frames, and not the core's name
    assert "where: <doctest" not in text
    assert "where: module.py, line 5, in look" in text


@pytest.mark.skipif((3, 11) <= sys.version_info < (3, 11, 4), reason="there doctest compares an exception's last note")
def test_an_example_may_show_its_violation_by_the_public_name(suite):
    suite.write(
        module="""
        def f():
            '''
            >>> with getfixture("hermetic").expect("network"):
            ...     socket.gethostbyname("blocked.example")
            >>> getfixture("hermetic").block(block_subprocess=True) and None
            >>> import os
            >>> os.system("true")  # doctest: +ELLIPSIS
            Traceback (most recent call last):
            hermetic.errors.PolicyViolation: subprocess disabled: os.system...
            >>> getfixture("hermetic").violations.clear()
            '''
        """
    )
    suite.run("--doctest-modules", "module.py", "--hermetic", "net-hermetic").assert_outcomes(passed=1)
