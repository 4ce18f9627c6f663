"""The core of hermetic: everything that runs inside a guarded process.

One rule holds for this package: it imports the standard library and itself, by
relative imports, and nothing else, so that it can be carried into an
interpreter in which hermetic is not installed.
"""

VERSION = "0.1.0"
