"""Articles as JSON lines: every line gets its answer, in order, whatever it holds."""

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker import judging
from worker.app import load_judge
from worker.config.schema import Config, RuleSpec, TopicSpec, WatchedEntity
from worker.judging import BATCH, BadLine, judge_lines, read_article, read_line, read_lines, story_lines
from worker.model import Judgement

DESK = Config(
    topics=(TopicSpec(id="middle-east", name="Middle East"),),
    watchlist=(WatchedEntity(id="kim-jong-un", type="person", name="Kim Jong Un", aliases=("김정은",)),),
    rules=(
        RuleSpec.model_validate(
            {"id": "kim", "name": "Kim", "when": {"entities": {"any": ["kim-jong-un"]}}, "channels": ["inbox"]}
        ),
    ),
)
SHORT = 1000  # a line, where the real bound would take seconds and gigabytes
SURROGATES = "\\ud800 Kim Jong Un \\udfff"


class PickyJudge:
    """Finds nothing, and chokes on a headline with `poison` in it. Counts what it was asked."""

    def __init__(self):
        self.batches = []

    def judge_many(self, articles):
        self.batches.append([article.title for article in articles])
        if any("poison" in article.title for article in articles):
            raise ValueError("hunter2")
        return [Judgement(language="en", topics=(), mentions=(), model_id="m") for _ in articles]


@pytest.fixture
def picky(monkeypatch):
    judge = PickyJudge()
    monkeypatch.setattr(judging, "load_judge", lambda config, **_: judge)
    return judge


@pytest.fixture(scope="module")
def real_judge():
    return load_judge(DESK)


@pytest.fixture
def real(monkeypatch, real_judge):
    monkeypatch.setattr(judging, "load_judge", lambda config, **_: real_judge)


def lines(*values):
    return [value if isinstance(value, bytes) else json.dumps(value).encode() for value in values]


# ---------------------------------------------------------------- reading


def test_read_line_takes_every_field():
    raw = {"id": "a1", "title": "T", "text": "x", "url": "https://a.example/", "language": "en", "source": "wire"}
    [line] = lines(raw | {"published": "2023-11-07T00:00:00Z", "other": [1]})
    given = read_line(line)
    article = given.article
    assert (given.id, given.published.isoformat()) == ("a1", "2023-11-07T00:00:00+00:00")
    assert (article.title, article.text, article.url) == ("T", "x", "https://a.example/")
    assert (article.language, article.source) == ("en", "wire")


@pytest.mark.parametrize(
    ("line", "id"),
    [
        (b'{"title": "x"}', None),
        (b'{"id": null, "title": "x", "text": null, "url": null, "language": null, "published": null}', None),
        (b'{"id": 7, "title": "x"}', 7),
        (b'{"id": -1.5, "title": "x"}', -1.5),
        (b'{"id": "", "title": "x"}', ""),
        (b'\xef\xbb\xbf{"id": "bom", "title": "x"}\r\n', "bom"),  # as some editors begin and end a file
        (b'{"id": "bytes", "title": "x \xff\xfe"}', "bytes"),  # one bad byte loses no article
        (b'{"id": "time", "title": "x", "published": "yesterday"}', "time"),  # an unreadable time is no time
        (b'{"id": "time", "title": "x", "published": 1699315200}', "time"),
        (b'{"id": "nan", "title": "x", "score": NaN}', "nan"),  # in a field that we do not read
        (b'{"id": "deep", "title": "x", "y": ' + b"[" * 50 + b"]" * 50 + b"}", "deep"),
    ],
)
def test_read_line_takes(line, id):
    given = read_line(line)
    assert given.id == id
    assert given.article.title.startswith("x")


@pytest.mark.parametrize(
    ("line", "id", "says"),
    [
        (b"x", None, "not JSON"),
        (b'{"id": "a1", "title": "cut o', "a1", "not JSON"),  # its id can be read nonetheless
        (b'{"id": 12, "title": ', 12, "not JSON"),
        (b"[" * 100_000, None, "not JSON"),
        (b'{"id": "a1", "x": ' + b"[" * 100_000, "a1", "not JSON"),
        (b'{"id": ' + b"9" * 5000 + b', "title": "x"}', None, "not JSON"),  # longer than Python reads
        (b'{"id": "a1", "title": "x\x00y"}', "a1", "not JSON"),
        (b"null", None, "not an object"),
        (b'["x"]', None, "not an object"),
        (b"NaN", None, "not an object"),
        (b'{"id": "a1"}', "a1", "title is missing"),
        (b'{"id": "a1", "title": null}', "a1", "title is missing"),
        (b'{"id": "a1", "title": " \\n"}', "a1", "title is missing"),
        (b'{"id": "a1", "title": 5}', "a1", "title must be text"),
        (b'{"id": "a1", "title": ["x"]}', "a1", "title must be text"),
        (b'{"id": "a1", "title": NaN}', "a1", "title must be text"),
        (b'{"id": "a1", "title": "x", "text": {}}', "a1", "text must be text"),
        (b'{"id": "a1", "title": "x", "url": 1}', "a1", "url must be text"),
        (b'{"id": "a1", "title": "x", "language": ["en"]}', "a1", "language must be text"),
        (b'{"id": ["a1"], "title": "x"}', None, "id must be text or a number"),
        (b'{"id": {}, "title": "x"}', None, "id must be text or a number"),
        (b'{"id": true, "title": "x"}', None, "id must be text or a number"),
        (b'{"id": NaN, "title": "x"}', None, "id must be text or a number"),  # it would make the answer no JSON
        (b'{"id": 1e999, "title": "x"}', None, "id must be text or a number"),
    ],
)
def test_read_line_refuses(line, id, says):
    with pytest.raises(BadLine, match=says) as caught:
        read_line(line)
    assert caught.value.id == id


def test_read_line_refuses_what_is_longer_than_any_article(monkeypatch):
    monkeypatch.setattr(judging, "MAX_LINE", 2 * 2**20)
    with pytest.raises(BadLine, match="longer than 2 MB") as caught:
        read_line(b'{"id": "a1", "title": "' + b"x" * judging.MAX_LINE + b'"}')
    assert caught.value.id == "a1"


def test_read_line_puts_a_stand_in_for_half_a_character():
    article = read_line(b'{"title": "%s", "url": "http://a.example/\\ud800"}' % SURROGATES.encode()).article
    assert article.title == "\ufffd Kim Jong Un \ufffd"  # every offset stays
    article.url.encode()


def test_read_article_is_the_article_alone():
    assert (
        read_article('{"id": "a1", "title": "김정은"}') == read_line('{"id": "a1", "title": "김정은"}'.encode()).article
    )


@given(
    st.binary(max_size=100)
    | st.recursive(st.none() | st.floats() | st.text(), st.lists).map(
        lambda x: json.dumps({"id": x, "title": x}).encode()
    )
)
def test_read_line_gives_an_article_or_a_bad_line(line):
    try:
        given = read_line(line)
    except BadLine as error:
        json.dumps(error.id, allow_nan=False)
    else:
        json.dumps(given.id, allow_nan=False)
        given.article.title.encode()


@pytest.mark.parametrize(
    ("content", "lengths"),
    [
        (b"", []),
        (b"a\nb", [2, 1]),
        (b"a\n\nb\n", [2, 1, 2]),
        (b"x" * SHORT + b"\nb\n", [SHORT + 1, 2]),
        (b"x" * (SHORT + 1) + b"\nb\n", [SHORT + 1, 2]),
        (b"x" * (3 * SHORT + 3) + b"\nb\n", [SHORT + 1, 2]),  # it ends where a piece ends
        (b"x" * (5 * SHORT), [SHORT + 1]),  # and no line follows
    ],
)
def test_read_lines_holds_no_more_of_a_line_than_is_looked_at(content, lengths, monkeypatch):
    monkeypatch.setattr(judging, "MAX_LINE", SHORT)
    assert [len(line) for line in read_lines(io.BytesIO(content))] == lengths


# ---------------------------------------------------------------- judging


def test_judge_lines_answers_every_line_in_order(picky):
    given = lines({"id": 1, "title": "a"}, b"broken", b"", b"  \r\n", {"id": "poison", "title": "b"}, {"title": "c"})
    answers = list(judge_lines(DESK, given))
    assert [(answer["id"], "error" in answer) for answer in answers] == [
        (1, False),
        (None, True),
        ("poison", False),
        (None, False),
    ]


def test_judge_lines_loses_only_the_article_that_the_judge_chokes_on(picky):
    given = lines(*({"id": n, "title": "poison" if n in (3, 70) else f"t{n}"} for n in range(80)))
    answers = list(judge_lines(DESK, given))
    assert [answer["id"] for answer in answers] == list(range(80))
    assert [answer["id"] for answer in answers if "error" in answer] == [3, 70]
    assert answers[3] == {"id": 3, "error": "cannot be judged: ValueError"}


def test_judge_lines_judges_in_batches_as_they_come(picky):
    def endless():
        while True:
            yield from lines({"title": "x"})

    assert next(judge_lines(DESK, endless()))["language"] == "en"
    assert [len(batch) for batch in picky.batches] == [BATCH]


def test_judge_lines_holds_few_long_articles_at_a_time(picky, monkeypatch):
    monkeypatch.setattr(judging, "BATCH_LETTERS", 1000)
    given = lines(*({"title": f"t{n}", "text": "x" * 400} for n in range(7)))
    assert len(list(judge_lines(DESK, given))) == 7
    assert [len(batch) for batch in picky.batches] == [3, 3, 1]


def test_judge_lines_gives_the_documented_object(real):
    text = "어제 김정은이 말했다. Kim Jong Un visited the plant again."
    [line] = lines({"id": "a1", "title": "Kim Jong Un in the news", "text": text, "published": "2023-11-07T00:00:00Z"})
    [answer] = judge_lines(DESK, [line])
    assert list(answer) == ["id", "language", "topics", "mentions", "rules", "model", "notes"]
    [topic] = answer["topics"]
    assert list(topic) == ["id", "score", "match", "review", "evidence", "spans", "by"]
    assert (topic["id"], 0 <= topic["score"] <= 1, topic["match"] in (True, False)) == ("middle-east", True, True)
    assert len(answer["mentions"]) == 3
    for mention in answer["mentions"]:
        assert list(mention) == ["entity", "text", "field", "start", "end", "alias", "how"]
        field = json.loads(line)[mention["field"]]
        assert field[mention["start"] : mention["end"]] == mention["text"]
    assert answer["rules"] == [{"id": "kim", "fires": True, "because": "kim-jong-un", "severity": "normal"}]


def test_judge_lines_says_what_was_not_judged(real):
    german = {"id": 1, "title": "Kim Jong Un reist nach Moskau", "text": "Der Machthaber trifft den Präsidenten."}
    long = {"id": 2, "title": "이란 핵협상 재개", "text": "가 " * 60_000}
    first, second = judge_lines(DESK, lines(german, long))
    assert first["notes"] == ["no topic rules for this language (German): only watched names were looked for"]
    assert (first["model"], first["topics"][0]["by"]) == ("none", "none")
    assert second["notes"] == ["judged by its first 100,000 characters of 120,000"]
    assert second["topics"][0]["match"] and second["topics"][0]["spans"][0]["field"] == "title"


def test_judge_lines_takes_hostile_lines(real):
    hostile = [
        b'{"id": "%s", "title": "%s", "text": "%s"}' % ((SURROGATES.encode(),) * 3),
        b'{"id": "b", "title": "\xff\xfe\x80 Kim Jong Un"}',
        b'{"id": "c", "title": "\\u0000\\u202e\\ufffe Kim Jong Un"}',
        b'{"id": "d", "title": "x", "text": "' + b"[" * 50_000 + b'"}',
        b'{"id": "e", "title": "Kim Jong Un", "language": "\\ud800"}',
    ]
    answers = list(judge_lines(DESK, hostile))
    assert [answer.get("error") for answer in answers] == [None] * 5
    assert [len(answer["mentions"]) for answer in answers] == [2, 1, 1, 0, 1]
    assert (answers[0]["mentions"][0]["start"], answers[0]["mentions"][0]["end"]) == (2, 13)


# ---------------------------------------------------------------- stories

LONG = "Five killed in air strike on the capital"


@pytest.mark.parametrize(
    ("articles", "stories"),
    [
        ([], []),
        # One link, and one headline, is one story, named by its first article.
        ([("a", LONG, "", ""), ("b", LONG, "", "")], ["a", "a"]),
        ([("a", "x", "https://n.example/1", ""), ("b", "y", "http://n.example/1#top", "")], ["a", "a"]),
        ([("a", "x", "", ""), ("b", "x", "", "")], ["a", "b"]),  # too short to tell
        ([("a", LONG, "", ""), ("b", "Another thing altogether, in another town", "", "")], ["a", "b"]),
        # By its link the second joins the first, and lends the story its headline.
        (
            [("a", "x", "https://n.example/1", ""), ("b", LONG, "https://n.example/1", ""), ("c", LONG, "", "")],
            ["a"] * 3,
        ),
        # A headline tells for three days after its last article.
        ([("a", LONG, "", "2023-11-01"), ("b", LONG, "", "2023-11-04"), ("c", LONG, "", "2023-11-07")], ["a"] * 3),
        (
            [("a", LONG, "", "2023-11-01"), ("b", LONG, "", "2023-11-05"), ("c", LONG, "", "2023-11-06")],
            ["a", "b", "b"],
        ),
        ([("a", LONG, "", "2023-11-05"), ("b", LONG, "", "2023-11-01T12:00:00+09:00")], ["a", "a"]),  # late, not new
        ([("a", LONG, "", "2023-11-05"), ("b", LONG, "", "2023-11-01"), ("c", LONG, "", "2023-11-07")], ["a"] * 3),
        # A link tells for good.
        (
            [("a", "x", "https://n.example/1", "2023-11-01"), ("b", "y", "https://n.example/1", "2024-11-01")],
            ["a", "a"],
        ),
        # Without a time: when the one before was.
        ([("a", LONG, "", ""), ("b", LONG, "", "2023-11-05")], ["a", "a"]),
        ([("a", LONG, "", "2023-11-01"), ("b", "x", "", "2023-11-09"), ("c", LONG, "", "")], ["a", "b", "c"]),
        # An article without an id names its story by its place.
        ([(None, LONG, "", ""), (2, LONG, "", "")], ["line-1", "line-1"]),
        ([(1, LONG, "", ""), (0, "x", "", "")], [1, 0]),
    ],
)
def test_story_lines_groups_in_arrival_order(articles, stories):
    names = ("id", "title", "url", "published")
    given = [dict(zip(names, article, strict=True)) for article in articles]
    answers = list(story_lines(lines(*given)))
    assert answers == [{"id": article["id"], "story": story} for article, story in zip(given, stories, strict=True)]


def test_story_lines_takes_hostile_lines():
    given = lines(
        {"id": "a", "title": LONG},
        b"broken",
        b'{"id": "b", "title": "\\ud800", "url": "http://n.example/\\ud800?q=\\udfff"}',
        {"id": "c", "title": "x", "url": "http://[::1"},
        {"id": "d", "title": LONG, "published": "0001-01-01T00:00:00+23:59"},
        {"id": "e", "title": LONG, "published": "9999-12-31T23:59:59-23:59"},
    )
    answers = list(story_lines(given))
    assert [answer.get("story") for answer in answers] == ["a", None, "b", "c", "a", "e"]
    assert answers[1]["error"].startswith("not JSON")
