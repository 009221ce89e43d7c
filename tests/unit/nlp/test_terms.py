"""Term rules: where terms are found in each script, when a rule is met, how a score is made, what a file may say."""

import math
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.articles.folding import fold
from worker.errors import ConfigError
from worker.model import ArticleText
from worker.nlp.terms import load_terms
from worker.nlp.terms.files import read_languages
from worker.nlp.terms.find import compile_terms, find_terms, term_problem

TOPICS = ("nk-russia-arms", "korea-diplomacy", "middle-east")
RULES = """
topics:
  floods:
    base: -2
    rules:
      - {any: [water], weight: 2}
      - {all: [water, town], within: %s, weight: 3}
      - {any: [games], weight: -4}
"""
LANGUAGE = """
concepts:
  water: [홍수, 침수*]
  town: [마을, 도시]
  games: [축구]
  ignore: [홍수환]
"""


@pytest.fixture
def desk(tmp_path):
    """A folder with a desk's own topic, and its terms in one language; a function that loads it."""

    def write(within="sentence", language=LANGUAGE, rules=None):
        (tmp_path / "rules.yaml").write_text(rules or RULES % within, encoding="utf-8")
        (tmp_path / "ko.yaml").write_text(language, encoding="utf-8")
        return load_terms(tmp_path)["ko"]

    return write


def score(terms, title, text=""):
    return terms.score(ArticleText("x", title, text), ["floods"])["floods"]


# ---------------------------------------------------------------- terms in a text


@pytest.mark.parametrize(
    ("term", "text", "found"),
    [
        ("북한", "북한은 어제", "북한"),  # a particle is no part of it
        ("북한", "북한산에 올랐다", None),  # another word
        ("파병*", "파병부대가 왔다", "파병부대가"),
        ("*회담", "정상회담을 열었다", "회담"),
        ("이란", "이란의 반격", "이란"),
        ("이란", "‘도약’이란 비전", None),  # what follows a quotation is its particle
        ("이란", "사랑이란 말", None),
        ("北", "北김정은", "北"),
        ("북 중", "북·중 정상", "북·중"),  # a dot reads as a space
        ("Путин", "встреча с Путиным", "Путиным"),
        ("Путин", "Распутина", None),
        ("ракет*", "ракетный удар", "ракетный"),
        ("Северная Корея", "в Северной Корее", "Северной Корее"),  # each word has its case
        ("=Газа", "Газа под огнем", "Газа"),
        ("=Газа", "добыча газа", "газа"),  # but the case of letters tells nothing
        ("=Газа", "цены на газ", None),
        ("Россия", "россияне", None),
        ("Північна Корея", "у Північній Кореї", "Північній Кореї"),
        ("Північна Корея", "до Північної Кореї", "Північної Кореї"),
        ("روسيا", "وروسيا تنفي", "روسيا"),  # 'and' is written before it
        ("أقمار صناعية", "الأقمار الصناعية", "أقمار الصناعية"),  # an adjective bears the article, too
        ("سلاح", "أسلحة", None),
        ("موشک", "موشک‌های جدید", "موشک‌های"),  # a plural after a half space
        ("غزه", "حمله به غزه", "غزه"),
        ("חמאס", "שבחמאס אמרו", "חמאס"),  # two prefixes
        ("עזה", "פועזה", None),  # פ is no prefix
        ("金正恩", "俄羅斯迎接金正恩訪問", "金正恩"),
        ("ロシア", "ベラルーシアン", None),  # katakana is one word
        ("イスラエル*", "イスラエルメディア", "イスラエルメ"),
        ("UFS", "UFS연습", "UFS"),
    ],
)
def test_find_terms_goes_by_the_script(term, text, found):
    language = "fa" if term in ("موشک", "غزه") else ""
    folded = fold(text)
    finds = find_terms(compile_terms({"c": [term]}, language=language), folded.text)
    shown = [text[folded.starts[one.start] : folded.starts[one.end]] for one in finds]
    assert shown == ([] if found is None else [found])


def test_find_terms_of_persian_knows_no_arabic_prefix():
    terms = {"c": ["رد"]}
    assert find_terms(compile_terms(terms, language="fa"), fold("او کرد").text) == []
    assert len(find_terms(compile_terms(terms), fold("او کرد").text)) == 1


def test_find_terms_leaves_out_what_stands_inside_a_phrase_to_ignore():
    index = compile_terms({"us": ["美"], "ignore": ["美食"]})
    assert [one.start for one in find_terms(index, "美食节 美 美食")] == [4]


@pytest.mark.parametrize(
    ("term", "says"),
    [
        ("", "no letter"),
        ("...", "no letter"),
        ("a*b", "write [*]"),
        ("one *two", "write [*]"),
        ("x", "one letter"),
        ("러*", "one letter"),
        ("x" * 101, "longer"),
        ("* 북한", "needs letters"),
    ],
)
def test_term_problem_tells_what_can_never_match_well(term, says):
    assert re.search(says, term_problem(term) or "")


@pytest.mark.parametrize("term", ["러", "北", "株", "북 중", "*회담", "ракет*", "=Газа", "F-35"])
def test_term_problem_takes_good_terms(term):
    assert term_problem(term) is None


# ---------------------------------------------------------------- rules and scores


@pytest.mark.parametrize(
    ("title", "text", "total"),
    [
        ("아무 일 없다", "", -2),
        ("홍수 났다", "", -2 + 2 * 1.5),  # in the title
        ("소식", "홍수 났다.", -2 + 2),  # in the lede
        ("소식", "가 " * 160 + "홍수 났다.", -2 + 2 * 0.5),  # after it
        ("홍수", "홍수 홍수 홍수.", -2 + 2 * 1.5),  # once, at its best place
        ("홍수로 마을 잠겨", "", -2 + (2 + 3) * 1.5),
        ("홍수", "마을 소식.", -2 + 2 * 1.5),  # not in one sentence
        ("소식", "홍수 났다. 마을 소식.", -2 + 2),
        ("소식", "홍수 났다\n마을 소식", -2 + 2),  # a line is a sentence
        ("축구장 홍수", "축구 경기", -2 + 2 * 1.5 - 4),  # what speaks against it
        ("홍수환 선수", "", -2),  # a name to ignore
    ],
)
def test_score_is_the_documented_formula(desk, title, text, total):
    assert score(desk(), title, text).score == pytest.approx(1 / (1 + math.exp(-total)))


@pytest.mark.parametrize(
    ("within", "text", "met"),
    [
        ("3", "홍수 하나 둘 마을", True),
        ("3", "홍수 하나 둘 셋 마을", False),
        ("3", "마을 하나 홍수", True),  # in any order
        ("3", "홍수. 마을", True),  # words, not sentences
        ("text", "홍수. 하나 둘 셋 넷. 마을", True),
        ("sentence", "홍수. 마을", False),
    ],
)
def test_rule_is_met_within_its_reach(desk, within, text, met):
    found = score(desk(within=within), "소식", text)
    assert (found.score > 0.6) == met


def test_rule_within_words_never_joins_title_and_text(desk):
    assert score(desk(within="5"), "홍수", "마을").score == pytest.approx(1 / (1 + math.exp(-1)))


def test_score_shows_its_evidence_where_it_stands(desk):
    article = ArticleText("x", "「속보」 홍수", "작은 마을, 침수된 집.")
    found = desk().score(article, ["floods"])["floods"]
    shown = [[getattr(article, s.field)[s.start : s.end] for s in group] for group in found.evidence]
    assert shown == [["마을", "침수된"], ["홍수"]]


def test_score_knows_only_topics_that_have_rules(desk):
    assert desk().score(ArticleText("x", "홍수"), ["floods", "fires"]).keys() == {"floods"}


@given(
    st.sampled_from(["ko", "ru", "uk", "zh", "ja", "ar", "fa", "he"]),
    st.text(max_size=60),
    st.text(max_size=300) | st.lists(st.sampled_from(["북한", "러 ", "。", "朝俄", "İ", "\n", "‘이란"])).map("".join),
)
def test_score_of_any_text_is_between_nothing_and_one_and_its_spans_slice_back(terms, language, title, text):
    article = ArticleText("x", title, text)
    for found in terms[language].score(article, TOPICS).values():
        assert 0 < found.score < 1
        for span in (span for group in found.evidence for span in group):
            assert getattr(article, span.field)[span.start : span.end]
    assert terms[language].score(article, TOPICS) == terms[language].score(article, TOPICS)


@pytest.mark.parametrize(
    ("language", "piece"),
    [
        ("ko", "북러"),
        ("ko", "러 "),
        ("ko", "과의와의"),
        ("zh", "朝俄"),
        ("ar", "وال"),
        ("he", "ו"),
        ("ru", "россия "),
        ("ja", "ロシア"),
    ],
)
def test_score_takes_no_longer_for_a_hostile_text(terms, language, piece):
    hostile = piece * (100_000 // len(piece))
    began = time.process_time()
    terms[language].score(ArticleText("x", hostile, hostile), TOPICS)
    assert time.process_time() - began < 1.0  # hundredths of a second; squared, minutes


# ---------------------------------------------------------------- files


def test_read_languages_has_every_concept_in_every_shipped_language():
    languages = read_languages()
    assert {"ko", "ru", "uk", "ar", "zh", "ja", "fa", "he"} <= languages.keys()
    known = languages["ko"].concepts.keys()
    assert all(language.concepts.keys() == known for language in languages.values())
    assert all(all(terms) and len(terms) >= 3 for one in languages.values() for terms in one.concepts.values())


def test_read_languages_stamps_a_judgement_by_every_term_and_weight(desk, tmp_path):
    first = desk().id
    assert first.startswith("terms-ko-") and len(first) == len("terms-ko-") + 12
    assert desk().id == first
    assert desk(language=LANGUAGE.replace("홍수,", "홍수, 수해,")).id != first
    assert desk(within="text").id != first


@pytest.mark.parametrize(
    ("rules", "language", "says"),
    [
        (None, LANGUAGE.replace("침수*", "침*수"), "ko.yaml:3: concepts.water.1.: '침\\*수' can never match well"),
        (None, LANGUAGE.replace("concepts:", "concept:"), "unknown; did you mean concepts"),
        (None, LANGUAGE + "rules: {fires: []}\n", "no topic of rules.yaml; it has .*floods"),
        (RULES.replace("[water, town]", "[water, twon]") % "text", LANGUAGE, "rules.yaml:7: .*concept 'twon'"),
        (RULES % "0", LANGUAGE, "rules.yaml:7"),
        (RULES.replace("any: [games], ", "") % "text", LANGUAGE, "rules.yaml:8: .*one of the two"),
        (RULES.replace("base: -2", "base: low") % "text", LANGUAGE, "rules.yaml:4: .*must be a number"),
        ("topics: [", LANGUAGE, "rules.yaml:.*not valid YAML"),
    ],
)
def test_read_languages_tells_each_mistake_with_its_line(desk, rules, language, says):
    with pytest.raises(ConfigError, match=says):
        desk(language=language, rules=rules)


def test_read_languages_adds_what_a_desk_has_to_what_is_shipped(tmp_path):
    own = "concepts: {sport: [씨름], troops-to-russia: [모내기]}\nwithout: {me-region: [아랍*]}\n"
    (tmp_path / "ko.yaml").write_text(own, encoding="utf-8")
    mine, shipped = read_languages(tmp_path), read_languages()
    assert "씨름" in mine["ko"].concepts["sport"] and "축구*" in mine["ko"].concepts["sport"]
    assert "아랍*" in shipped["ko"].concepts["me-region"] and "아랍*" not in mine["ko"].concepts["me-region"]
    assert mine["ko"].topics == shipped["ko"].topics
    assert mine["ko"].id != shipped["ko"].id and mine["ru"].id == shipped["ru"].id


def test_read_languages_takes_a_language_of_a_desks_own(tmp_path):
    german = "concepts: {me-group: [Hamas, Hisbollah], conflict: [Krieg*, Angriff*]}\n"
    (tmp_path / "de.yaml").write_text(german, encoding="utf-8")
    found = load_terms(tmp_path)["de"].score(ArticleText("x", "Angriffe der Hisbollah"), TOPICS)
    assert found["middle-east"].score > 0.9 > 0.5 > found["korea-diplomacy"].score
