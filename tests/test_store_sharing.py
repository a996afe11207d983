"""One file, several processes and threads: short writes of a store that is held for reading."""

import subprocess
import sys
import threading
import time

import pytest

from routellm_core.errors import StoreError
from routellm_core.store import Store
from routellm_core.store.gate import Gate


@pytest.fixture
def path(tmp_path, sample_benchmark):
    path = tmp_path / "explorer.duckdb"
    with Store.create(path) as store:
        store.add_benchmark(*sample_benchmark)
    return path


@pytest.fixture
def reader(path):
    with Store(path, read_only=True) as store:
        yield store


def other_process(path, mode):
    """Holds the file until its standard input ends."""
    code = (
        "import sys; from pathlib import Path; from routellm_core.store import Store\n"
        f"with Store(Path({str(path)!r}), read_only={mode == 'reading'}):\n"
        "    print('open', flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "open\n"
    return process


def end(process):
    process.stdin.close()
    process.stdout.close()
    process.wait(20)


def test_a_reader_writes_for_a_moment_and_reads_on(reader, sample_texts, path):
    before = reader.version
    with reader.open_for_writing():
        reader.add_texts(sample_texts)
        assert reader.n_texts("sample") == (4, 4)  # its own writes are seen inside
    assert reader.version == before + 1
    assert reader.n_texts("sample") == (4, 4)
    with pytest.raises(StoreError, match="for reading only"):
        reader.add_texts(sample_texts)
    with Store(path, read_only=True) as other:
        assert other.n_texts("sample") == (4, 4)


def test_an_error_inside_undoes_everything(reader, sample_texts):
    before = reader.version
    with pytest.raises(KeyError), reader.open_for_writing():
        reader.add_texts(sample_texts)
        raise KeyError
    assert reader.version == before
    assert reader.n_texts("sample") == (0, 4)


def test_moments_nest_and_a_writing_store_takes_part(path, sample_texts):
    with Store(path, read_only=True) as store:
        with store.open_for_writing(), store.open_for_writing():
            store.add_texts(sample_texts)
        assert store.n_texts("sample") == (4, 4)
    with Store(path) as store:
        with store.open_for_writing():
            store.delete_benchmark("sample")
        assert store.benchmarks().empty


@pytest.mark.parametrize("mode", ["reading", "writing"])
def test_another_process_that_holds_the_file_is_named_and_nothing_is_lost(
    reader, path, sample_texts, mode
):
    reader.release()
    process = other_process(path, mode)
    try:
        with pytest.raises(StoreError, match=f"in use by process {process.pid}"):
            with reader.open_for_writing():
                reader.add_texts(sample_texts)
        if mode == "reading":
            assert reader.n_texts("sample") == (0, 4)
    finally:
        end(process)
    assert reader.n_texts("sample") == (0, 4)
    with reader.open_for_writing():
        reader.add_texts(sample_texts)
    assert reader.n_texts("sample") == (4, 4)


def test_a_released_store_lets_another_process_write_and_sees_it(reader, path, sample_texts):
    reader.release()
    with Store(path) as writer:
        writer.add_texts(sample_texts)
    assert reader.n_texts("sample") == (4, 4)


def test_a_store_in_memory_is_never_given_away(sample_store):
    sample_store.release()
    assert sample_store.n_texts("sample") == (4, 4)


def test_a_closed_store_is_not_opened_again(path):
    store = Store(path, read_only=True)
    store.close()
    with pytest.raises(StoreError, match="is closed"):
        store.benchmarks()


def test_many_threads_read_while_others_write_for_a_moment(reader, sample_texts):
    problems, versions = [], []
    start = time.monotonic()

    def read():
        seen = 0
        try:
            while time.monotonic() < start + 1.5:
                version = reader.version
                assert version >= seen
                seen = version
                assert len(reader.benchmarks()) == 1
            versions.append(seen)
        except BaseException as error:
            problems.append(error)

    def write():
        try:
            for _ in range(5):
                with reader.open_for_writing():
                    reader.add_texts(sample_texts)
                    reader.set_data_hash("x")
        except BaseException as error:
            problems.append(error)

    before = reader.version
    threads = [threading.Thread(target=read) for _ in range(4)]
    threads += [threading.Thread(target=write) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert problems == []
    assert reader.version == before + 10


def test_readers_of_other_threads_wait_until_the_moment_ends(reader, sample_texts):
    inside, seen = threading.Event(), []

    def read():
        inside.wait(20)
        seen.append((reader.n_texts("sample"), time.monotonic()))

    thread = threading.Thread(target=read)
    thread.start()
    with reader.open_for_writing():
        reader.add_texts(sample_texts)
        inside.set()
        time.sleep(0.3)
        assert seen == []
    ended = time.monotonic()
    thread.join(20)
    assert seen[0][0] == (4, 4)
    assert seen[0][1] >= ended - 0.1


def test_a_thread_that_reads_cannot_ask_to_be_alone():
    gate = Gate()
    with gate.reading(), gate.reading(), pytest.raises(RuntimeError), gate.alone():
        pass
    with gate.alone(), gate.reading(), gate.alone():
        assert gate.is_mine
    assert not gate.is_mine


def test_whoever_waits_to_write_goes_before_new_readers():
    gate, order = Gate(), []
    reading, leave = threading.Event(), threading.Event()

    def first():
        with gate.reading():
            reading.set()
            leave.wait(20)
        order.append("first reader out")

    def write():
        with gate.alone():
            order.append("writer")

    def second():
        with gate.reading():
            order.append("second reader")

    threads = [threading.Thread(target=first)]
    threads[0].start()
    reading.wait(20)
    for job in (write, second):
        threads.append(threading.Thread(target=job))
        threads[-1].start()
        time.sleep(0.1)
    leave.set()
    for thread in threads:
        thread.join(20)
    assert order.index("writer") < order.index("second reader")
