"""Surnames that stand alone: who is meant, decided over the whole article. All sentences are made up."""

import itertools
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from watched import Watched, entities, mentions, named, person

from worker.nlp.names import compile_watchlist

INDEX = compile_watchlist(
    [
        person("kim-jong-un", "Kim Jong Un"),
        person("kim-yo-jong", "Kim Yo Jong"),
        person("choe", "Choe Son Hui"),
        person("moon", "Moon Jae-in"),
        person("park", "Park Jin"),
        person("park-gh", "Park Geun-hye"),
        person("ban", "Ban Ki-moon"),
        person("lee", "Lee Jae-myung"),
        person("xi", "Xi Jinping"),
        person("wang", "Wang Yi"),
        person("trump", "Donald Trump", "Donald J. Trump"),
        person("biden", "Joe Biden"),
        person("obama", "Barack Obama"),
        person("kerry", "John Kerry"),
        person("putin", "Vladimir Putin"),
        person("lavrov", "Sergei Lavrov"),
        person("zelensky", "Volodymyr Zelensky"),
        person("netanyahu", "Benjamin Netanyahu"),
        person("abbas", "Mahmoud Abbas"),
        person("assad", "Bashar al-Assad"),
        person("mbs", "Mohammed bin Salman", "MBS"),
        person("rouhani", "Hassan Rouhani"),
        person("leyen", "Ursula von der Leyen"),
        person("soleimani", "Qassem Soleimani"),
    ]
)
PARAGRAPH = "The talks went on behind closed doors until late, and neither side would say what had been agreed. " * 7


@pytest.mark.parametrize(
    ("text", "found"),
    [
        # introduced by full name, then by surname, with every ending
        ("Kim Jong Un came. Kim's train left, and Mr. Kim waved.", ["Kim Jong Un", "Kim", "Kim"]),
        ("John Kerry spoke. Then Kerry’s plane left.", ["John Kerry", "Kerry"]),
        ("Xi Jinping spoke to Biden; the Xi-Biden talks ended.", ["Xi Jinping", "Biden", "Xi", "Biden"]),
        ("Moon Jae-in and Kim Jong Un: the Moon-Kim summit", ["Moon Jae-in", "Kim Jong Un", "Moon", "Kim"]),
        ("After the Xi-Carney call", ["Xi"]),  # no given name, though it could be spelt so
        ("The Trump-Kim summit opened", ["Trump", "Kim"]),
        ("The Kim-Lee talks opened", []),
        ("Trump-Kim merchandise sells well", ["Trump"]),
        # a rare surname stands alone
        ("A pro-Putin march", ["Putin"]),
        ("Netanyahu's cabinet met; anti-Netanyahu crowds", ["Netanyahu", "Netanyahu"]),
        ("In the al-Assad years", ["Assad"]),
        ("“Obama” was all that it said", ["Obama"]),
        ("Democrats look on as Trump OKs a port, Biden EVs stall and Obama MPs grin", ["Trump", "Biden", "Obama"]),
        ("Trump Greenland threat: allies of the Budapest Putin talks meet", ["Trump", "Putin"]),
        ("Overriding Biden-era rules, a court spoke", ["Biden"]),
        # a common one only under an office, or of a country
        ("President Moon will travel", ["Moon"]),
        ("Secretary of State Kerry will travel", ["Kerry"]),
        ("The Abbas government resigned", ["Abbas"]),
        ("Abbas, the Palestinian president, resigned", ["Abbas"]),
        ("North Korea's Kim inspected a dam", ["Kim"]),
        ("then-president Lee resigned", ["Lee"]),
        ("Lee resigned on Monday", []),
        ("Professor Abbas and General Kim wrote it", []),
        ("Mr. Kerry owns the bakery", []),
        # a father's name is rarer than the name
        ("Saudi Arabia's bin Salman met envoys; Bin Salman left", ["Salman", "Salman"]),
        ("Bin Salman scored the second goal of the match", []),
        # letters with accents of their own, or with what is not seen between them
        (
            "Ob\u00adama and Put\u200bin spoke, Lavro\u0301v\u0301 listened.",
            ["Ob\u00adama", "Put\u200bin", "Lavro\u0301v\u0301"],
        ),
        ("Putin\u200b spoke", ["Putin"]),
        # an office early or late makes every other place count
        ("Abbas arrived. The Palestinian leader Abbas then left.", ["Abbas", "Abbas"]),
    ],
)
def test_resolve_finds_a_surname_alone(text, found):
    assert [text for _, text in named(INDEX, text)] == found


@pytest.mark.parametrize(
    "text",
    [
        "Melania Trump opened the fair.",  # another bearer
        "Donald Trump Jr. opened the fair.",
        "Donald Trump III opened the fair.",
        "His wife Sara Netanyahu came alone.",
        "Kim Song Il, a farmer, was there. Kim said so.",
        "Kim Heung-kyu, a professor, wrote it. “No,” Kim wrote.",
        "Kim Kardashian came. Kim left.",
        "Lee Isaac Chung made the film, and Lee edited it.",
        "Jim Yong Kim led the bank.",
        "Abbas Araghchi flew to Geneva. Abbas is his first name.",
        "Mahmoud Khaled Abbas, a baker, was hurt.",  # a common surname, another middle name
        "Park Jin-hyok is wanted by the police.",  # a longer given name
        "Park Jin Young sang.",
        "Ahmed Abbas, a driver, and Abbas's brother were hurt.",
        "King Salman received them.",  # bin Salman is not Salman
        "Trump Tower and the Trump Organization were searched.",  # houses and firms
        "She studies at Kerry College in Kerry County.",
        "The pupils of Obama Elementary then went to Obama High School together.",
        "The Obama Foundation and Moon Township agreed.",
        "Police in Biden, Pa., said so.",
        "The Trump family and the Kim dynasty rule.",  # all of them together
        "The Kims and the Trumps had dinner.",
        "Obamacare and Trumpism are words.",
        "The travel Ban stays. A Park was closed, the Moon rose.",  # words
        "Russia's Ban on grain hit Yellowstone National Park.",
        "India's Moon mission landed.",
        "The starting XI was named in Xi'an and Xi’an alone.",
        "Taiwan's Wang won the doubles title in the final match.",  # sport
        "California's Lee and Ohio's Abbas were elected; Ukraine's Kim was told.",  # another country's, or a state's
        "Souleymane Diarra sings.",  # sounds like Soleimani
        "Mrs. Trump and Ms. Biden talked.",
        "Hadi Nasrallah was killed. Nasrallah was 18.",  # a sentence is no headline, however short
    ],
)
def test_resolve_leaves_others_alone(text):
    assert entities(INDEX, text) == set()


@pytest.mark.parametrize(
    ("title", "text", "found"),
    [
        # the nearest bearer before is meant
        ("", "Kim Jong Un left. Kim Yo Jong stayed. Kim said so.", ["kim-jong-un", "kim-yo-jong", "kim-yo-jong"]),
        ("", "Kim Yo Jong left. Kim Jong Un stayed. Kim said so.", ["kim-yo-jong", "kim-jong-un", "kim-jong-un"]),
        ("", "Donald Trump spoke. Ivanka Trump listened. Trump smiled.", ["trump"]),
        ("", "Kim Jong Un met Kim Song Il. Kim bowed.", ["kim-jong-un"]),
        # an office is not the relative who was just named
        ("", "Ivanka Trump listened. President Trump smiled.", ["trump"]),
        # who has the same title is meant by it
        ("", "President Park Chung-hee ruled. President Park fell.", []),
        # a headline's surname is the first bearer of the text, or whoever is introduced later
        ("Kim inspects a dam", "Kim Jong Un has inspected a dam.", ["kim-jong-un", "kim-jong-un"]),
        ("President Kim Young-sam", "President Kim fell.", []),
        ("Abbas wins marathon", "Yusuf Abbas, 23, has won.", []),
        ("Nasrallah wins", "Sami Nasrallah, 23, has won.", []),
        # a rare surname before somebody's full name in one line is another person
        ("Biden is asked about Hunter Biden", "", ["biden"]),
        ("Biden keeps silent", "His son Hunter Biden was in court.", ["biden"]),
        ("Hunter Biden is asked about Biden", "", []),
        # the sex of the title
        ("", "Donald Trump came. Mrs. Trump left.", ["trump"]),
    ],
)
def test_resolve_takes_the_nearest_bearer(title, text, found):
    assert [mention.entity for mention in mentions(INDEX, text, title)] == found


def test_resolve_trusts_a_whole_article_that_introduces_nobody():
    text = f"Donald Trump spoke. {PARAGRAPH}Kim listened. {PARAGRAPH}Then Kim left."
    assert entities(INDEX, text) == {"trump", "kim-jong-un"}  # of several the one listed first
    assert entities(INDEX, text.replace("Kim", "Park")) == {"trump"}  # a word
    assert entities(INDEX, text.replace("Donald Trump", "Somebody")) == set()  # nobody beside
    assert entities(INDEX, f"Donald Trump spoke. {PARAGRAPH}Kim listened.") == {"trump"}  # once
    assert entities(INDEX, "Donald Trump spoke. Kim listened. Then Kim left.") == {"trump"}  # a lede leaves out much


@pytest.mark.parametrize(
    ("text", "found", "how"),
    [
        ("Donald (J.) Trump", "Donald (J.) Trump", "variant"),
        ("(Bashar) Assad", "Bashar) Assad", "variant"),
        ("Vladimir V. Putin", "Vladimir V. Putin", "variant"),
        ("Joseph Robinette Biden", "Joseph Robinette Biden", "variant"),
        ("Sergey Lavrov", "Sergey Lavrov", "variant"),
        ("Volodymyr Zelenskyy", "Volodymyr Zelenskyy", "variant"),
        ("Vladimir Zelenskiy", "Vladimir Zelenskiy", "variant"),
        ("Zelenskyy", "Zelenskyy", "variant"),
        ("Choi Seon-hee", "Choi Seon-hee", "variant"),
        ("Kim Jung-un", "Kim Jung-un", "variant"),
        ("Xi Jingping", "Xi Jingping", "variant"),
        ("Jae-in Moon", "Jae-in Moon", "variant"),
        ("Muhammad bin Salman", "Muhammad bin Salman", "variant"),
        ("Qasem Suleimani", "Qasem Suleimani", "variant"),
        ("Vladmir Putin", "Vladmir Putin", "misspelling"),
        ("Benjamin Netanyehu", "Benjamin Netanyehu", "misspelling"),
        ("Netanyhau", "Netanyhau", "misspelling"),
        ("Hussein Rouhani", None, ""),  # Hassan is not Hussein
        ("Kim Yong Un", None, ""),
        ("Olena Zelenska", None, ""),
        ("the Netanyahus", None, ""),
        ("ComradeKim Jong Un's word", "Kim Jong Un", "glued"),
        ("MarshalKim Jong Unput it", "Kim Jong Un", "glued"),
        ("Kim Jong Unkown", None, ""),
        ("Kim Jong‑un", "Kim Jong‑un", "name"),
        ("Ms von der Leyen, after Ursula von der Leyen", "Leyen", "title"),
        ("Ms Leyen came", None, ""),
        ("Crown Prince Mohammed, after Mohammed bin Salman", "Mohammed", "given name"),
        ("“Jong Un” it said, after Kim Jong Un", "Jong Un", "given name"),
    ],
)
def test_resolve_says_by_which_rule(text, found, how):
    first = next(iter(mentions(INDEX, text)), None)
    assert (first.text, first.how) == (found, how) if found else first is None


def test_resolve_keeps_a_one_word_alias_but_not_of_others():
    index = compile_watchlist([person("trump", "Donald Trump", "Trump"), Watched("org", "Trump Media")])
    assert named(index, "Melania Trump came to Trump Tower; Trump and trump were words") == [
        ("trump", "Trump"),
        ("trump", "trump"),
    ]


def test_resolve_asks_for_an_office_where_two_bear_a_rare_surname():
    index = compile_watchlist([person("a", "Bashar Assad"), person("b", "Maher Assad")])
    assert entities(index, "Assad spoke") == set()
    assert entities(index, "President Assad spoke") == {"a"}
    assert entities(index, "Maher Assad spoke, and Assad left") == {"b"}


HOSTILE = [
    "Kim ",
    "Kim-",
    "Trump ",
    "Kim Jong Un and Kim Yo Jong met Trump. ",
    "Melania Trump, Jae-in Moon, J. J. J. Trump ",
    "Jong Un Prince Mohammed Mohammed bin Salman ",
    "secretary of of of of Kerry, the a b c president ",
    "Netanyehu Zelenskiyy Netanyahus ",
    "Trump, Pa. (Donald (J.) Trump)) O'Kim's ",
    "김정은 위원장 김 위원장 이정은 위원장 ",
    "习近平 习主席 金正恩金委员长",
    "Путин Сергей Лавров Лавров ",
    "King Salman von der Leyen ",
]
GIVEN = [f"{first} {second}" for first in "Jong Yong Song Sun".split() for second in "Un Il Nam Hui".split()]
CROWD = compile_watchlist(
    [
        *(person(f"kim-{n}", f"Kim {given}") for n, given in enumerate(GIVEN * 10)),
        *(person(f"trump-{n}", f"{name} Trump") for n, name in enumerate("Donald Ivanka Eric Melania".split() * 40)),
        person("xi", "Xi Jinping", "习近平"),
        person("kim", "Kim Jong Un", "김정은", "金正恩"),
        person("lavrov", "Sergei Lavrov", "Сергей Лавров"),
        person("mbs", "Mohammed bin Salman"),
        person("netanyahu", "Benjamin Netanyahu"),
        person("kerry", "John Kerry"),
        person("leyen", "Ursula von der Leyen"),
    ]
)


def work(text):
    """How many functions are called, Python's own among them."""
    calls = 0

    def count(frame, event, argument):
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        mentions(CROWD, text)
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize("piece", HOSTILE)
def test_resolve_does_four_times_the_work_for_four_times_the_text(piece):
    mentions(CROWD, piece)  # what is worked out once
    short = (piece * 600)[:600]
    assert work(short * 4) < 5 * work(short) + 1_000


def test_resolve_ends_soon_on_an_article_full_of_names():
    began = time.process_time()
    mentions(CROWD, ("".join(HOSTILE) * 1_000)[:100_000])
    assert time.process_time() - began < 5  # half a second on a quiet machine


def test_resolve_knows_titled_aliases_and_turned_names():
    cohen = person("cohen", "Eli Cohen (minister)", "Foreign Minister Eli Cohen")
    gen = person("gen", "Gen Nakatani", "Nakatani Gen")
    index = compile_watchlist([cohen, gen, person("lac", "Wi Sung-lac"), person("no", "No Kwang Chol")])
    assert entities(index, "Eli Cohen was a spy. Cohen died.") == set()
    assert [m.text for m in mentions(index, "Foreign Minister Eli Cohen came. Cohen left.")][1:] == ["Cohen"]
    assert entities(index, "Nakatani Gen spoke; Nakatani left") == {"gen"}
    assert entities(index, "Lt. Gen. Jones of Generation Gen spoke by the Lac; the No campaign won") == set()


@given(st.lists(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=6)), max_size=8).map("".join))
def test_resolve_gives_offsets_that_slice_back_and_lie_apart(text):
    found = mentions(CROWD, text, title=text[:40])
    assert all(((m.field == "title" and text[:40]) or text)[m.start : m.end] == m.text != "" for m in found)
    spans = sorted({(m.field, m.start, m.end) for m in found})
    assert all(a[0] != b[0] or a[2] <= b[1] for a, b in itertools.pairwise(spans))
    assert len({(m.entity, m.field, m.start) for m in found}) == len(found)
