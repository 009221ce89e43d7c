"""What is taken for a secret, which no log may hold."""

import pytest

from worker.config.schema import Config, EmailChannel, InboxChannel, WebhookChannel
from worker.config.values import Secret
from worker.reporting import secrets_of

HOOK = "https://hooks.example/services/abcdefghijklmn?key=opqrst"


def mail(username):
    return EmailChannel(
        id="mail",
        kind="email",
        host="relay.example",
        username=username,
        password=Secret("of-the-mail"),
        sender="desk@wirewatch.example",
        to=("ana@desk.example",),
    )


def test_secrets_are_those_of_every_channel_and_of_the_environment():
    config = Config(
        channels=(
            InboxChannel(id="operator", kind="inbox"),
            mail("desk-4711"),
            WebhookChannel(id="hook", kind="webhook", url=HOOK, secret=Secret("whsec_abc")),
        )
    )
    environ = {"DATABASE_URL": "postgresql://u:of-the-base@db/d", "REDIS_URL": "redis://:of-the-redis@r/0"}
    environ["SENTRY_DSN"] = "https://0123456789abcdef@sentry.example/1"
    wanted = {"desk-4711", "of-the-mail", "whsec_abc", HOOK, "opqrst", "abcdefghijklmn"}
    wanted |= {"of-the-base", "of-the-redis", "0123456789abcdef"} | set(environ.values())
    assert wanted <= set(secrets_of(config, environ))
    assert "relay.example" not in set(secrets_of(config, environ))


@pytest.mark.parametrize(("username", "hidden"), [("desk", False), ("desk@mail.example", True), ("apikey7", True)])
def test_secrets_are_not_the_user_names_that_are_words(username, hidden):
    assert (username in set(secrets_of(Config(channels=(mail(username),)), {}))) is hidden
