"""Files written in one step: there whole or not at all."""

import json
import threading

import pytest

from routellm_core.files import read_json, whole, write_json


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_former_file_is_read_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "table.v2.csv"
    path.write_text("former")
    with whole(path) as aside:
        assert aside.parent == tmp_path
        assert aside.suffix == ".csv"
        assert aside.name.startswith(".")
        aside.write_text("half")
        assert path.read_text() == "former"
        aside.write_text("new")
    assert path.read_text() == "new"
    assert names(tmp_path) == ["table.v2.csv"]


@pytest.mark.parametrize("is_folder", [False, True])
def test_nothing_is_left_of_a_writing_that_fails(tmp_path, is_folder):
    with pytest.raises(KeyboardInterrupt), whole(tmp_path / "x") as aside:
        if is_folder:
            aside.mkdir()
            (aside / "part").touch()
        else:
            aside.touch()
        raise KeyboardInterrupt
    assert names(tmp_path) == []
    with pytest.raises(FileNotFoundError), whole(tmp_path / "x"):
        pass  # nothing was written


def test_a_folder_comes_whole_and_may_be_written_elsewhere(tmp_path):
    (tmp_path / "kept").mkdir()
    with whole(tmp_path / "parts", folder=tmp_path / "kept") as aside:
        aside.mkdir()
        (aside / "one").write_text("1")
        assert names(tmp_path) == ["kept"]
    assert names(tmp_path / "parts") == ["one"]
    assert names(tmp_path / "kept") == []


def test_many_write_one_json_file_and_each_reading_is_whole(tmp_path):
    path = tmp_path / "run.json"
    write_json(path, {"by": 0, "text": "é" * 5_000})
    threads = [
        threading.Thread(
            target=lambda n=n: [write_json(path, {"by": n, "text": "é" * 5_000}) for _ in range(50)]
        )
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert len(read_json(path)["text"]) == 5_000
    assert json.loads(path.read_text(encoding="utf-8"))["by"] in range(4)
    assert names(tmp_path) == ["run.json"]
