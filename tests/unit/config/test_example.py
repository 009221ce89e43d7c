"""The example desk: what `wirewatch init` writes is a desk without a problem, and never over another."""

import pytest

from worker.config.example import EXAMPLE, write_example
from worker.config.load import FILES, load_config
from worker.errors import WirewatchError


def test_example_written_has_every_file_and_no_problem(tmp_path):
    written = write_example(tmp_path / "new" / "desk")
    assert {path.name for path in written} == set(FILES.values())
    config = load_config(tmp_path / "new" / "desk", environ={})  # no secret is set: its channels are disabled
    assert (len(config.rules) > 0, len(config.feeds) > 0, config.warnings) == (True, True, ())


def test_example_is_written_into_a_folder_that_is_there(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    write_example(tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"
    for name in FILES.values():
        assert (tmp_path / name).read_bytes() == (EXAMPLE / name).read_bytes()


def test_example_is_never_written_over_a_file(tmp_path):
    (tmp_path / "rules.yaml").write_text("mine")
    with pytest.raises(WirewatchError, match=r"already has rules\.yaml\. Nothing was written"):
        write_example(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["rules.yaml"]
    assert (tmp_path / "rules.yaml").read_text() == "mine"


@pytest.mark.parametrize("below", ["", "desk"])  # the folder is a file; it would be below one
def test_example_says_where_it_cannot_be_written(tmp_path, below):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(WirewatchError, match="cannot be written"):
        write_example(tmp_path / "file" / below)
    assert (tmp_path / "file").read_text() == "mine"
