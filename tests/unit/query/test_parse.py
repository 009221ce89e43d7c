"""Reading a query: what it means, and what is refused, where, and in which words."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from worker.errors import QueryError
from worker.query.lex import MAX_LENGTH, MAX_PHRASE, MAX_WORD, MAX_WORDS
from worker.query.parse import MAX_DEPTH, parse_query
from worker.query.tree import plain


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("missile", "missile"),
        ('"artillery  shells" Pyongyang NOT football', '"artillery shells" and Pyongyang but not football'),
        ("a OR b OR (c OR d)", "a, b, c or d"),
        ("a OR b OR c OR d OR e OR f", "a, b, c, d or 2 others"),
        ("a b OR c", "(a and b) or c"),
        ("a AND (b OR c) AND (d AND e)", "a and (b or c) and d and e"),
        ("a NEAR/5 b c", "a near b (at most 5 words between) and c"),
        ("NOT a NOT b c", "c but not a but not b"),
        ('(a OR "b c") NEAR/1 d', '(a or "b c") near d (at most 1 word between)'),
        ("a NEAR/0 b", "a near b (no word between)"),
        ("NOT NOT a", "a"),
        ("a a (a)", "a"),
        ("a OR a", "a"),
        ("a NOT (b c)", "a but not (b and c)"),
        ("a (b OR NOT c)", "a and (b or not c)"),
        ("（a OR b）c", "(a or b) and c"),
        ("„a b“ «c d» 「朝鮮」", '"a b" and "c d" and "朝鮮"'),
    ],
)
def test_plain_says_what_is_asked(query, words):
    assert plain(parse_query(query)) == words


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a b", "a AND b"),
        ("a OR b c", "a OR (b AND c)"),
        ("NOT a b", "(NOT a) AND b"),
        ("a NEAR/2 b c", "(a NEAR/2 b) AND c"),
        ("c NOT a OR b", "(c AND (NOT a)) OR b"),
        ("NOT NOT a", "a"),
        ("NOT (NOT (a))", "a"),
        ("kim-jong-un", '"Kim Jong Un"'),
        ("Őrsk", "orsk"),
    ],
)
def test_parse_binds_not_then_near_then_and_then_or(one, other):
    assert parse_query(one) == parse_query(other)


def test_words_are_those_asked_for():
    query = parse_query('"artillery shells" (missil* OR 核) NOT football (a NEAR/3 b)')
    assert query.words() == ("artillery shells", "missil*", "核", "a", "b")


@pytest.mark.parametrize(
    ("query", "column", "says"),
    [
        ("", 1, "nothing is asked"),
        (" \n", 1, "nothing is asked"),
        ("()", 1, "nothing in these brackets"),
        ('a "b', 3, "no other; write the second one"),
        ("a «", 3, "no other"),
        ('""', 1, "no letter or digit"),
        ("a (b", 3, "not closed; write )"),
        ("a) b", 2, "closes nothing"),
        ("a OR", 5, "missing at the end"),
        ("a NOT", 6, "missing at the end"),
        ("OR a", 1, "OR stands between"),
        ("a AND AND b", 7, "AND stands between"),
        ("NEAR/3 a", 1, "NEAR stands between"),
        ("a NEAR b", 3, "write NEAR/5"),
        ("a NEAR/ b", 3, "write NEAR/5"),
        ("a NEAR/x b", 3, "write NEAR/5"),
        ("a NEAR/٣ b", 3, "write NEAR/5"),
        ("a near/3 b", 3, "write NEAR/5"),
        ("a NEAR/1000 b", 3, "up to 100"),
        ("a NEAR/3 b NEAR/3 c", 12, "NEAR joins two"),
        ("a NEAR/3 (b c)", 3, "beside NEAR stands"),
        ("a NEAR/3 NOT b", 3, "beside NEAR stands"),
        ("NOT a NEAR/3 b", 7, "beside NEAR stands"),
        ("a NEAR/3 (b OR (c d))", 3, "beside NEAR stands"),
        # What elsewhere means something, and would here silently be another question
        ("a or b", 3, "write OR in capitals"),
        ("a And b", 3, "write AND in capitals"),
        ("not b", 1, "write NOT in capitals"),
        ("a -b", 3, "write NOT"),
        ("a –b", 3, "write NOT"),
        ("title:kim", 1, "means nothing here"),
        ("miss.*e", 1, "* may only end a word"),
        ("colou?r", 1, "means nothing here"),
        ("/kim/", 1, "means nothing here"),
        ("(a+)+$", 5, "means nothing here"),
        ("a" * 100_000, MAX_LENGTH + 1, "longer than 4000 characters"),
        ("[ab]c", 1, "means nothing here"),
        ("kim~2", 1, "means nothing here"),
        ("a | b", 3, "means nothing here"),
        ("*", 1, "* may only end a word"),
        ("a*", 1, "* may only end a word of which 2 letters"),
        ("mis*ile", 1, "* may only end a word"),
        ("*sile", 1, "* may only end a word"),
        ("miss**", 1, "* may only end a word"),
        ('"a b"*', 6, "* may only end a word"),
        ("a - b", 3, "no letter or digit"),
        ('"…" a', 1, "no letter or digit"),
        ("\u200b a", 1, "this has no letter"),
        # Bounds
        ("a" * (MAX_WORD + 1), 1, "longer than any word"),
        ("a" * (MAX_LENGTH + 1), MAX_LENGTH + 1, "longer than 4000 characters"),
        (f'"{"a " * (MAX_PHRASE + 1)}"', 1, "a phrase of more than 10 words"),
        (" ".join(f"a{n}" for n in range(MAX_WORDS + 1)), 1, "more than 200 words"),
        ("(" * (MAX_DEPTH + 1) + "a", MAX_DEPTH + 1, "more than 20 brackets"),
    ],
)
def test_h14_parse_says_where_and_what_to_write(query, column, says):
    with pytest.raises(QueryError, match=r"^column \d+: ") as caught:
        parse_query(query)
    assert caught.value.column == column
    assert says in str(caught.value)


@pytest.mark.parametrize(
    "query",
    [
        "NOT a",
        "NOT a NOT b",
        "a OR NOT b",
        "a OR NOT a",
        "NOT (a b)",
        "NOT (a NEAR/3 b)",
        "(a OR NOT b) (c OR NOT d)",
        "NOT (a NOT b)",
    ],
)
def test_parse_j11_refuses_what_an_article_matches_by_saying_nothing(query):
    with pytest.raises(QueryError, match="ask for a word beside NOT"):
        parse_query(query)


@pytest.mark.parametrize(
    "query",
    [
        "a NOT a",
        "a b NOT (a OR c)",
        "(a OR b) NOT a NOT b",
        "(a c OR b d) NOT (a OR b)",
        '"North Korea" NOT Korea',
        '"a b c" NOT "b c"',
        "missile NOT miss*",
        "missil* NOT miss*",
        "北朝鮮 NOT 朝鮮",
        "a NEAR/3 b NOT a",
        "(a OR b) NEAR/3 c NOT (a OR b)",
        "a NEAR/3 b NOT (b NEAR/5 a)",
        "ракета NOT рак*",
        "(a NOT a) OR (b NOT b)",
        "a NOT (b OR NOT b)",
        "a NOT (NOT a OR b OR NOT b)",
    ],
)
def test_parse_j11_refuses_what_nothing_can_match(query):
    with pytest.raises(QueryError, match="can never match"):
        parse_query(query)


@pytest.mark.parametrize(
    "query",
    [
        'Korea NOT "North Korea"',
        "a NOT (a b)",
        "a (b OR NOT a)",
        "miss* NOT missile",
        "朝鮮 NOT 北朝鮮",
        '"탄도 미사일" NOT 미사일',  # written in one it is another word
        "ракета NOT ракетн*",
        "a NEAR/5 b NOT (a NEAR/3 b)",
        "(a OR b) NEAR/3 c NOT a",
        "a OR (b NOT b)",
        "プーチン NOT チン",  # katakana is whole
    ],
)
def test_parse_takes_what_something_can_match(query):
    assert parse_query(query).root


PIECES = st.sampled_from(
    [
        "a",
        "kim",
        '"a b"',
        "(",
        ")",
        "AND",
        "OR",
        "NOT",
        "NEAR/2",
        "mis*",
        "*",
        '"',
        "김정은",
        "核",
        "-",
        "\ud800",
        "a:b",
    ]
)


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters()) | st.lists(PIECES, max_size=12).map(" ".join))
@example("(" * MAX_LENGTH)
@example("NOT " * 900 + "a")
@example("a NEAR/2 " * 400)
@example('"' * 4000)
def test_parse_gives_a_query_or_a_query_error(text):
    try:
        query = parse_query(text)
    except QueryError as error:
        assert 1 <= error.column <= len(text) + 1
        assert str(error).isprintable()
    else:
        assert plain(query) and query.words()
