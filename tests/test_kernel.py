"""Blocks and works on several threads: each is done once, in any nesting, and no error is lost."""

import multiprocessing
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


def _child(queue):
    queue.put(rows_done(1000, 1))


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_has_no_threads_and_does_all_itself():
    rows_done(1000, 1)  # the parent's threads run
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_child, args=(queue,))
    child.start()
    try:
        assert queue.get(timeout=60) == list(range(1000))
    finally:
        child.join(10)
        child.kill()
