"""Blocks and works on several threads: each is done once, in any nesting, and no error is lost."""

import os
import subprocess
import sys
import threading
import time
from functools import partial

import numba
import pytest

from rote.activity.kernel import at_once, over_blocks

THREADED = pytest.mark.skipif(numba.config.NUMBA_NUM_THREADS < 2, reason="Numba may use one thread only")


def rows_done(n_rows, least):
    done = []
    over_blocks(lambda start, stop: done.extend(range(start, stop)), n_rows, least=least)
    return sorted(done)


@pytest.mark.parametrize("n_rows", [0, 1, 7, 1000])
@pytest.mark.parametrize("least", [0, 1, 500, 5000])
def test_every_row_is_done_once(n_rows, least):
    assert rows_done(n_rows, least) == list(range(n_rows))


def test_works_within_works_wait_for_no_thread():
    """Blocks within works, deeper than there are threads: each would wait for a thread that waits."""
    done = []

    def nested(depth):
        if depth:
            at_once(*[lambda: nested(depth - 1)] * 3)
        else:
            done.append(rows_done(50, 1))

    nested(4)
    assert done == 81 * [list(range(50))]


@THREADED
def test_works_run_beside_one_another():
    meeting, met = threading.Barrier(2, timeout=60), []  # passed by two threads only
    at_once(*[lambda: met.append(meeting.wait())] * 2)
    assert sorted(met) == [0, 1]


def test_one_thread_is_kept_to():
    before, threads = numba.get_num_threads(), set()
    numba.set_num_threads(1)
    try:
        at_once(*[lambda: threads.add(threading.get_ident())] * 4)
    finally:
        numba.set_num_threads(before)
    assert threads == {threading.get_ident()}


@pytest.mark.parametrize("failing", range(4))
def test_an_error_is_raised_when_nothing_runs_any_more(failing):
    running = []

    def work(number):
        running.append(number)
        time.sleep(0.01 * (number != failing))
        running.remove(number)
        if number == failing:
            raise ValueError(f"work {number} failed")

    for _ in range(5):
        with pytest.raises(ValueError, match=f"work {failing} failed"):
            at_once(*(partial(work, number) for number in range(4)))
        assert not running


FORK = """
import os
import warnings
from rote.activity.kernel import over_blocks

warnings.simplefilter("ignore")  # Python warns of forks beside threads

def rows_done():
    done = []
    over_blocks(lambda start, stop: done.extend(range(start, stop)), 1000, least=1)
    return sorted(done) == list(range(1000))

assert rows_done()  # the parent's threads run
child = os.fork()
if child:
    raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
os._exit(0 if rows_done() else 1)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_process_has_no_threads_and_does_all_itself():
    forked = subprocess.run([sys.executable, "-c", FORK], timeout=60, check=False)
    assert forked.returncode == 0
