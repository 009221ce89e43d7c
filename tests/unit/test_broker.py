import pytest

from worker.broker import NoBroker, broker_url


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("redis://h:6379/0", "redis://h:6379/0"),
        ("redis://:secret@h", "redis://:secret@h"),  # the usual port and database
        ("redis://name:s%2Fec%23ret@[::1]:6379/3", "redis://name:s%2Fec%23ret@[::1]:6379/3"),
        ("rediss://:secret@h:6380/0", "rediss://:secret@h:6380/0"),
        ("redis://:sec@ret@h:6379/0", "redis://:sec@ret@h:6379/0"),  # the last @ counts
        ("unix:///run/redis.sock", "redis+socket:///run/redis.sock"),  # Celery's name for it
        ("redis+socket:///run/redis.sock", "redis+socket:///run/redis.sock"),
    ],
)
def test_broker_url_is_the_environments(given, used):
    assert broker_url({"REDIS_URL": given}) == used


@pytest.mark.parametrize("environ", [{}, {"REDIS_URL": ""}])
def test_broker_url_missing_says_what_to_do(environ):
    with pytest.raises(NoBroker, match="wirewatch up"):
        broker_url(environ)


@pytest.mark.parametrize(
    "url",
    [
        "redis://:canary/et@h:6379/0",  # each sign that ends the host's part too soon
        "redis://:canary#et@h:6379/0",
        "redis://:canary?et@h:6379/0",
        "redis://:12/canary@h:6379/0",  # what is left reads as a port
        "redis://:canary@h:port/0",
        "redis://:canary@[::1/0",
        "redis://:canary@:6379/0",
        "redis://:canary@h:6379/first",
        "canary.example:6379",
        "http://:canary@h/",
        "memory://canary",
        "unix://",
    ],
)
def test_j06_broker_url_that_is_none_is_refused_and_not_quoted(url):
    with pytest.raises(NoBroker) as refused:
        broker_url({"REDIS_URL": url})
    assert "REDIS_URL is no address" in str(refused.value)
    assert "canary" not in str(refused.value) + repr(refused.value.__cause__)
