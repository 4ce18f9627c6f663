"""Processes: starting them, signalling them; where they may be started, what they are given.

``denied`` is the table of the policy that takes processes away, ``children`` the one of every other
policy; both read the same arguments (``starting``).
"""
