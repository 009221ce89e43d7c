"""Two spellings of one name, and of two."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.nlp.names.alike import alike, slip_of, sounds_like
from worker.nlp.names.bearers import bearer_of, last_word
from worker.nlp.names.spelling import one_slip, same_given, same_sound, same_syllables, sound


@pytest.mark.parametrize(
    "spellings",
    [
        "zelensky zelenskyy zelenskiy zelenskij".split()[:3],
        ["choe", "choi"],
        ["hezbollah", "hizbullah", "hizbollah"],
        ["rouhani", "rohani", "ruhani"],
        ["soleimani", "suleimani", "soleymani"],
        ["haniyeh", "haniya", "haniyah"],
        ["lavrov", "lavroff"],
        ["khashoggi", "kashoggi"],
        ["sergei", "sergey"],
        ["nasrallah", "nasralla"],
    ],
)
def test_sound_is_one_for_the_spellings_of_a_name(spellings):
    assert len({sound(word) for word in spellings}) == 1


@pytest.mark.parametrize(
    ("one", "other"), [("putin", "patton"), ("trump", "tramp"), ("yong", "jong"), ("assad", "ahmed"), ("kim", "kam")]
)
def test_sound_tells_names_apart(one, other):
    assert sound(one) != sound(other)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("mohammed", "muhammad", True),
        ("yahya", "yehya", True),
        ("joe", "joseph", True),  # a pet form
        ("volodymyr", "vladimir", True),
        ("j", "joe", True),  # an initial
        ("vladmir", "vladimir", True),  # a slip
        ("hassan", "hussein", False),
        ("mahmoud", "mohammed", False),
        ("john", "jane", False),
        ("donald", "ronald", False),  # the first letter is never a slip
        ("eric", "erik", True),  # one sound
    ],
)
def test_same_given(one, other, same):
    assert same_given(one, other) is same and same_given(other, one) is same


def test_same_sound_is_no_slip():
    assert not same_sound("vladmir", "vladimir") and same_sound("mohamed", "mohammed")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("jong un", "jung un", True),
        ("suk yeol", "seok youl", True),
        ("son hui", "seon hee", True),
        ("jinping", "jingping", True),
        ("jong nam", "yong nam", False),
        ("jong un", "jong il", False),
        ("jong nam", "jong nan", False),
    ],
)
def test_same_syllables(one, other, same):
    assert same_syllables(one.split(), other.split()) is same


@pytest.mark.parametrize(
    ("one", "other", "slip"),
    [
        ("netanyahu", "netanyehu", True),  # a wrong letter
        ("netanyahu", "netanyhu", True),  # one missing
        ("netanyahu", "netanyyahu", True),  # one too many
        ("netanyahu", "netanyhau", True),  # two changed places
        ("netanyahu", "netanyahu", False),
        ("netanyahu", "netnyehu", False),
        ("netanyahu", "yetanyahuu", False),
    ],
)
def test_one_slip(one, other, slip):
    assert one_slip(one, other) is slip and one_slip(other, one) is slip


@given(st.text("abcde", min_size=1, max_size=8), st.integers(0, 7), st.sampled_from("abcde"))
def test_one_slip_is_found_wherever_it_is(word, at, letter):
    at = min(at, len(word) - 1)
    for other in (word[:at] + letter + word[at + 1 :], word[:at] + letter + word[at:], word[:at] + word[at + 1 :]):
        assert one_slip(word, other) is (word != other)


WATCHED = alike(["netanyahu", "zelensky", "assad", "khashoggi"], ["hezbollah", "panmunjom"])


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("netanyehu", "netanyahu"),
        ("netanyahus", ""),  # a plural
        ("zelenska", ""),  # a woman's
        ("ketanyahu", ""),  # another first letter
        ("asssad", ""),  # too short to tell
        ("hezbolah", "hezbollah"),
        ("netanyahu", ""),  # no slip
        ("something", ""),
    ],
)
def test_slip_of(word, meant):
    assert slip_of(WATCHED, word) == meant


def test_sounds_like_long_names_only():
    assert sounds_like(WATCHED, "hizbullah") == "hezbollah" and sounds_like(WATCHED, "panmunjeom") == "panmunjom"
    assert sounds_like(WATCHED, "hezbollah") == ""
    assert sounds_like(alike([], ["shahed"]), "shahid") == ""


def test_alike_leaves_out_ends_that_many_share():
    crowd = [f"{letter}{other}ovichenko" for letter in "k" for other in "abcdefghijklmnop"]
    assert not any(key.endswith("enko") for key in alike(crowd, []).ends)


@pytest.mark.parametrize(
    ("alias", "surname", "given", "particle"),
    [
        ("Kim Jong-un", "kim", ("jong", "un"), ""),
        ("Xi Jinping", "xi", ("jinping",), ""),
        ("Shinzo Abe", "abe", ("shinzo",), ""),
        ("Bashar al-Assad", "assad", ("bashar",), ""),
        ("Mohammed bin Salman", "salman", ("mohammed",), "bin"),
        ("Ursula von der Leyen", "leyen", ("ursula",), "von der"),
        ("Robert O’Brien", "o'brien", ("robert",), ""),
        ("Ayatollah Khamenei", "khamenei", (), ""),
        ("Park Bench", "bench", ("park",), ""),  # no Korean given name
    ],
)
def test_bearer_of_divides_a_name(alias, surname, given, particle):
    bearer = bearer_of("x", alias)
    assert (bearer.surname, bearer.given, bearer.particle) == (surname, given, particle)


@pytest.mark.parametrize("alias", ["김정은", "MBS", "Donald Trump Jr.", "Unit 180", "a b c d e f g", ""])
def test_bearer_of_others_is_none(alias):
    assert bearer_of("x", alias) is None


def test_last_word_of_scripts_that_write_the_surname_last():
    assert last_word("Сергей Лавров") == "лавров" and last_word("סרגיי לברוב") == "לברוב"
    assert last_word("Ким Чен Ын") == "" and last_word("Путин") == "" and last_word("Sergei Lavrov") == ""
