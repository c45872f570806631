"""What all simulators of backup applications share: the states of their drives, kept in a file, and faults on demand.

A simulator is called as its application would be, behind a wrapper that puts the state file first:
    NAME_simulator.py STATE ARGUMENT...
Tests change the same file: jobs that run, faults that strike, what an operator did.
"""

import fcntl
import json
import os
import sys
import time
from contextlib import contextmanager


@contextmanager
def state_of(path):
    """The state, written back when it was changed; one program at a time, as with a real server behind the command."""
    with open(path + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with open(path) as file:
            text = file.read()
        state = json.loads(text)
        try:
            yield state
        finally:  # a simulator that ends with an exit code was called all the same
            fresh = json.dumps(state, indent=1)
            if fresh != text:
                with open(path + ".new", "w") as file:
                    file.write(fresh)
                os.replace(path + ".new", path)


def make(path, drives, **more):
    """A new state file: drives online and idle."""
    with open(path, "w") as file:
        json.dump({"drives": {name: {"online": True, "job": False, **more} for name in drives}, "fault": "", "calls": []},
                  file)


def called(state, words):
    """Notes the call, and strikes with the fault that a test has put there."""
    state["calls"].append(words)
    return state["fault"]


def hang():
    """As a client does whose server is down; ended by whoever called it."""
    time.sleep(600)
    sys.exit(1)
