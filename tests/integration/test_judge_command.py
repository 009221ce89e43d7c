"""`wirewatch judge` as a process: the longest line it takes, how much memory that costs, the same answer twice."""

import json
import os
import subprocess
import sys

import pytest

from worker.judging import MAX_LINE

CONFIG = "config"
MOST_MEMORY = 900 * 2**10  # kB: the line, its text once decoded and once parsed, the model; measured half of it
pytestmark = pytest.mark.timeout(120)


def judge(file, out):
    """Exit code, and the most memory that it held, in kB."""
    with out.open("wb") as handle:
        child = subprocess.Popen(
            [sys.executable, "-m", "worker", "judge", "--config", CONFIG, str(file)], stdout=handle
        )
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    return child.returncode, usage.ru_maxrss


def test_judge_takes_ten_megabytes_every_character_escaped(tmp_path):
    letters = 10 * 2**20
    text = "\\u0061" * (letters // 2) + "\\uac00" * (letters // 2)
    long = '{"id": "long", "title": "Shells from North Korea reach Russia", "text": "' + text + '"}\n'
    assert len(long) < MAX_LINE
    too_long = '{"id": "too long", "title": "x", "text": "' + "x" * MAX_LINE + '"}\n'
    file, out = tmp_path / "articles.jsonl", tmp_path / "judged.jsonl"
    with file.open("w") as handle:
        handle.writelines([long, too_long, '{"id": "short", "title": "Hezbollah fires rockets at northern Israel"}\n'])
    code, memory = judge(file, out)
    assert code == 0
    first, second, third = map(json.loads, out.read_text().splitlines())
    assert first["id"] == "long"
    assert first["notes"] == [f"judged by its first 100,000 characters of {letters:,}"]
    assert second == {"id": "too long", "error": "longer than 64 MB"}
    assert (third["id"], third["notes"]) == ("short", [])
    assert memory < MOST_MEMORY


def test_judge_gives_the_same_bytes_for_the_same_articles(tmp_path):
    articles = [
        {"id": 1, "title": "北, 러에 포탄 수백만 발 보내", "text": "국정원은 컨테이너로 보냈다고 밝혔다."},
        {"id": 2, "title": "Израиль нанес удары по Бейруту"},
        {"id": 3, "title": "Hezbollah fires rockets at northern Israel", "text": "Sirens sounded in Haifa."},
        {"id": 4, "title": "Kim Jong Un reist nach Moskau", "text": "Der Machthaber trifft den Präsidenten."},
    ]
    file = tmp_path / "articles.jsonl"
    file.write_text("".join(json.dumps(one) + "\n" for one in articles))
    outs = [tmp_path / "one", tmp_path / "two"]
    for out in outs:
        judge(file, out)
    assert outs[0].read_bytes() == outs[1].read_bytes() != b""
