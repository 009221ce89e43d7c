"""The language of a text: by script, by statistic, by the feed's hint, or unknown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.nlp.language import detect


@pytest.mark.parametrize(
    ("title", "text", "hint", "language"),
    [
        ("The minister left the capital for talks", "", None, "en"),
        ("북한 외무상이 모스크바를 방문했다", "", None, "ko"),
        ("김정은", "", None, "ko"),  # a script tells from few letters
        ("金正恩氏がロシアを訪問", "", None, "ja"),  # kana between the characters
        ("金正恩访问俄罗斯远东地区", "", None, "zh"),
        ("Министр иностранных дел прибыл в столицу", "", None, "ru"),
        ("Міністр закордонних справ прибув до столиці їхньої країни", "", None, "uk"),
        ("وصل وزير الخارجية إلى العاصمة لإجراء محادثات", "", None, "ar"),
        ("وزیر امور خارجه برای گفت‌وگو وارد پایتخت شد و می‌گوید", "", None, "fa"),
        ("שר החוץ הגיע לבירה לשיחות עם הנשיא", "", None, "he"),
        ("Le ministre des affaires étrangères est arrivé dans la capitale", "", None, "fr"),
        ("Spokesman quotes 김정은 in a long English sentence on the talks", "", None, "en"),  # a quoted name
        ("북한 IAEA 사찰단 NPT 복귀 거부", "", None, "ko"),  # acronyms between
        ("", "대통령이 국회에서 연설했다", None, "ko"),  # a headline is not needed
        ("OK 123", "", "en-GB", "en"),  # too little: the feed's word for it
        ("OK 123", "", None, "und"),  # too little, and no word
        ("", "", "", "und"),
        ("123 456", "", "KO", "ko"),
        ("Waziri wa mambo ya nje amewasili mjini kwa mazungumzo", "", "sw", "sw"),  # never told from a text
        ("The minister left the capital for talks", "", "english", "en"),  # no code
        ("OK 123", "", "english", "und"),
    ],
)
def test_detect_finds_the_language(title, text, hint, language):
    assert detect(title, text, hint=hint) == language


@pytest.mark.parametrize(
    ("title", "language"),
    [
        ("КНДР запустила ракету", "ru"),  # no letter that only Russian has
        ("Путин прибыл в Пхеньян", "ru"),
        ("Израиль нанес удар по Бейруту", "ru"),
        ("Переговори в Досі", "uk"),
        ("Путін прибув до Пхеньяна", "uk"),
        ("Путин је стигао у Пјонгјанг", "sr"),  # neither
        ("Путин пристигна в Пхенян, където ще се срещне с Ким", "bg"),
        ("محادثات الدوحة", "ar"),
        ("كوريا الشمالية تطلق صاروخا", "ar"),
        ("حمله به بیروت", "fa"),
        ("کره شمالی موشک شلیک کرد", "fa"),
        ("سفر وزیر خارجه روسیه به تهران", "fa"),  # no letter that Persian alone has
        ("شمالی کوریا نے میزائل داغ دیا", "ur"),  # Persian's letters, and its own
        ("پاکستان اور ایران کے مذاکرات", "ur"),
        ("俄朝签署条约", "zh"),
        ("北韓試射飛彈 南韓譴責", "zh"),  # traditional
        ("金正恩訪問俄羅斯", "zh"),
        ("美国总统会见日本首相", "zh"),
        ("日朝首脳会談、開催合意", "ja"),  # no kana at all
        ("金正恩総書記訪露", "ja"),
        ("日米韓外相会談開催", "ja"),
        ("日朝首脳会談開催の方針", "ja"),  # one kana
        ("韓美日 외교장관 회담", "ko"),  # Chinese characters in a Korean headline
        ("李대통령 訪美", "ko"),
        ("北, 美에 대화 제의", "ko"),
        ("Lee Jae-myung (이재명) wins the election", "en"),
        ("Putin and Kim Jong Un meet in Russia", "en"),  # names that read like any language
        ("Netanyahu Says Israel Will Invade Gaza City of Rafah", "en"),
        ("Lee Jae-myung to meet Xi Jinping", "en"),
        ("Kim Jong Un reist nach Moskau", "de"),
        ("Israël frappe à nouveau Beyrouth", "fr"),
        ("Kuzey Kore füze fırlattı", "tr"),
        ("उत्तर कोरिया ने मिसाइल दागी", "hi"),
        ("Η Βόρεια Κορέα εκτόξευσε πύραυλο", "el"),
        ("ישראל תקפה בביירות", "he"),
    ],
)
def test_detect_tells_short_headlines_of_neighbours_apart(title, language):
    assert detect(title, "") == language


def test_detect_goes_by_a_feeds_word_where_a_headline_is_made_of_names():
    names = "Pyongyang Kim Jong Suk Textile Mill"
    assert detect(names, "") != "en"
    assert detect(names, "", hint="en") == "en"
    assert detect("Kim Jong Un reist nach Moskau", "", hint="en-US") == "de"


def test_detect_goes_by_the_text_and_not_by_a_wrong_hint():
    assert detect("The minister left the capital for talks with his allies", "", hint="ko") == "en"


@given(st.text(st.characters()), st.text(st.characters()), st.one_of(st.none(), st.text(max_size=8)))
def test_detect_answers_any_text(title, text, hint):
    assert isinstance(detect(title, text, hint=hint), str)


def test_detect_answers_what_no_encoding_takes():
    assert detect("\ud83d" * 30, "the talks go on in the capital") == "en"  # a cut emoji, as JSON may escape it
