"""Languages have names for people; an unknown code stays as it is."""

from worker.alerts.languages import language_name


def test_a_language_has_its_english_name():
    assert [language_name(code) for code in ("ko", "xx", "")] == ["Korean", "xx", ""]
