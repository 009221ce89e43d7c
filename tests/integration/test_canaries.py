"""A worker's own queue against a real Redis: one canary at most, and nothing of it left behind (B14)."""

import contextlib

import pytest
import redis
from desk import wait_for

from worker.celery import canaries_through, make_celery

OWN = "canary-of-a-test"
KEY = f"wirewatch:{OWN}"


@pytest.fixture
def app(own_redis):
    made = make_celery(own_redis.url, tick=1, soft_shutdown=1)
    yield made
    made.close()


@contextlib.contextmanager
def consumer(app, queue):
    """What a worker has: a channel with one place, and the messages that it was given."""
    given = []
    with app.connection_for_read() as connection:
        connection.default_channel.basic_qos(0, 1, False)
        with app.amqp.TaskConsumer(connection, queues=[app.amqp.queues[queue]]) as one:
            one.on_message = given.append
            yield connection, given


def test_a_canary_is_sent_once_until_it_is_taken_and_leaves_nothing(own_redis, app):
    send = canaries_through(app, OWN, silent_after=60)
    for _ in range(3):
        assert send() is True
        assert own_redis.client.llen(KEY) == 1
    with consumer(app, OWN) as (connection, given):
        wait_for(lambda: connection.drain_events(timeout=1) or given, seconds=10)
        assert own_redis.client.exists(KEY, "wirewatch:unacked", "wirewatch:unacked_index") == 0
        given[0].ack()
    assert send() is True
    assert own_redis.client.llen(KEY) == 1


def test_a_canary_that_nobody_takes_expires(own_redis, app):
    send = canaries_through(app, OWN, silent_after=1)
    assert send() is True
    assert 0 < own_redis.client.pttl(KEY) <= 1000
    wait_for(lambda: not own_redis.client.exists(KEY), seconds=10)


def test_canaries_survive_a_flush_and_a_redis_that_was_away(own_redis, app):
    send = canaries_through(app, OWN, silent_after=60)
    assert send() is True
    own_redis.client.flushall()
    assert send() is True
    own_redis.kill()
    assert send() is False
    own_redis.start()
    wait_for(send, seconds=10)
    wait_for(lambda: send() and own_redis.client.llen(KEY) == 1, seconds=10)
    assert own_redis.client.pttl(KEY) > 0, "also over a new connection"


def test_a_message_whose_end_redis_did_not_hear_of_leaves_its_place(own_redis, app):
    """A full window is read past by nobody: the worker would never learn that its Redis was away."""
    app.send_task("wirewatch.analyse", queue="analyse", retry=False)
    with consumer(app, "analyse") as (connection, given):
        wait_for(lambda: connection.drain_events(timeout=1) or given, seconds=10)
        window = connection.default_channel.qos
        assert not window.can_consume()
        own_redis.kill()
        with pytest.raises(redis.ConnectionError):
            given[0].ack()
        assert window.can_consume()
        own_redis.start()


def test_a_task_that_outlives_its_connection_does_not_end_its_worker(own_redis, app):
    """The worker has connected anew meanwhile; an error here would end it, and with it every task at work."""
    app.send_task("wirewatch.poll", queue="poll", retry=False)
    with app.connection_for_read() as connection:
        message = app.amqp.queues["poll"].bind(connection.default_channel).get()
        channel = message.channel
    channel._disconnect_pools()  # it may have none any more: the next use of it asks the connection that is gone
    assert channel.closed
    assert channel.connection is None
    message.ack_log_error(app.log.get_default_logger(), app.connection_for_read().connection_errors)
