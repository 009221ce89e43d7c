"""A desk full of secrets, everything going wrong: none is in a log, at Sentry, on a command line or in Redis (J06).

And what Sentry hears of a desk that runs: the tick's check-ins, what nobody expected, and nothing else.
"""

import base64
import contextlib
import http.client
import ssl
import subprocess
import sys
from urllib.parse import quote

import psutil
import pytest
import yaml
from collector import Collector
from desk import BASELINE, Desk, below, entries, wait_for
from origin import rss
from postgres import Postgres, find_postgres
from receivers import free_port, smtp
from steps import LONG_AGO, change
from tcp_redis import TcpRedis

from worker.console.access import bring_key
from worker.store.schema import article, chore, delivery, feed, heartbeat
from worker.up import choose_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

DATABASE, REDIS = "canaryOfPostgres01", "canaryOfRedis02"
USER, PASSWORD = "canary-of-smtp-03", "canary p@ss/w0rd+04"
KEY = "canary of the webhook 05"
HOOK, FEED = "canaryOfTheHook06", "canaryOfTheFeed07"
ASKED = "canaryOfWhoAsks08"
READER, READER_PASSWORD, READER_KEY = "canary-of-the-reader-09", "canary r/e@der+10", "canaryOfTheReadersKey11"
SECRETS = {
    "HOOK_SECRET": "whsec_" + base64.b64encode(KEY.encode()).decode(),
    "SMTP_USER": USER,
    "SMTP_PASSWORD": PASSWORD,
    "READER": READER,
    "READER_PASSWORD": READER_PASSWORD,
    "READER_KEY": READER_KEY,
}


class SecretDesk(Desk):
    """Mail to a relay that refuses our password, webhooks to a receiver that is not there, a feed behind a token,
    a password and a key."""

    def __init__(self, folder, *, relay, collector, trusted="", **options):
        super().__init__(folder, **options)
        self.relay, self.collector, self.trusted = relay, collector, trusted
        self.feed, self.hook = f"/a/{FEED}?key={FEED}", free_port()
        self.hook_url = f"http://127.0.0.1:{self.hook}/services/{HOOK}?key={HOOK}"

    def set_feed(self, name, items):
        self.origin.documents[self.feed] = rss(name, items)

    def edit(self, name, change):
        path = self.config / f"{name}.yaml"
        body = yaml.safe_load(path.read_text())
        change(body)
        path.write_text(yaml.safe_dump(body, sort_keys=False))

    def write_config(self):
        super().write_config()
        mail = {"port": self.relay.port, "security": "starttls", "username": "${SMTP_USER}"}
        mail["password"] = "${SMTP_PASSWORD}"
        reader = {"username": "${READER}", "password": "${READER_PASSWORD}", "headers": {"X-Api-Key": "${READER_KEY}"}}
        self.edit("feeds", lambda body: body["feeds"][0].update(url=self.feed_url, **reader))
        self.edit("network", lambda body: body["allow"][0]["ports"].append(self.hook))
        self.edit("channels", lambda body: body["channels"][1].update(mail))
        self.edit("channels", lambda body: body["channels"][2].update(url="${HOOK_URL}"))

    @property
    def feed_url(self):
        return self.origin.url(self.feed)

    def environ(self):
        own = SECRETS | {"HOOK_URL": self.hook_url, "SENTRY_DSN": self.collector.dsn}
        return super().environ() | own | {"SSL_CERT_FILE": str(self.trusted)}

    def secrets(self):
        """Every secret of the desk, and those of the processes around it."""
        own = [DATABASE, REDIS, USER, PASSWORD, KEY, HOOK, FEED, ASKED, Collector.KEY, bring_key(self.data)]
        return own + [SECRETS["HOOK_SECRET"].removeprefix("whsec_"), READER, READER_PASSWORD, READER_KEY]

    def words(self):
        """What a careless library would say: addresses as they stand, and secrets by themselves."""
        addresses = [self.database_url, self.redis_url, self.collector.dsn, self.feed_url, self.hook_url]
        bare = [PASSWORD, quote(PASSWORD, safe=""), SECRETS["HOOK_SECRET"]]
        bare.append(base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode())
        bare += [READER_KEY, "Basic " + base64.b64encode(f"{READER}:{READER_PASSWORD}".encode()).decode()]
        return " ".join([*addresses, *bare])


@pytest.fixture
def collector():
    with Collector() as made:
        yield made


@pytest.fixture
def certificate(tmp_path):
    path, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    argv = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(path)]
    subprocess.run([*argv.split(), *names], check=True, capture_output=True, timeout=30)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path, key)
    return path, context


@pytest.fixture
def around(postgres, collector, certificate):
    """Servers behind passwords, apart from the desk: (PostgreSQL, Redis, mail relay)."""
    assert find_postgres(), "the fixture `postgres` has skipped otherwise"
    refuse = smtp(certificate[1], ("STARTTLS", "AUTH PLAIN LOGIN"), AUTH=f"535 5.7.8 {PASSWORD} is wrong for {USER}")
    with Postgres(password=DATABASE) as database, TcpRedis(REDIS) as broker, refuse as relay:
        yield database, broker, relay


@pytest.fixture
def desk(tmp_path, around, collector, certificate):
    database, broker, relay = around
    servers = dict(database_url=database.new_database(), redis_url=broker.url)
    with SecretDesk(tmp_path, relay=relay, collector=collector, trusted=certificate[0], **servers) as made:
        made.port = choose_port(0)
        yield made


@contextlib.contextmanager
def flaw_in(desk, table, name):
    """Whoever writes to this table fails, and its error quotes every secret."""
    words = f"flaw in {name}: {desk.words()}".replace("'", "''")
    body = f"BEGIN RAISE EXCEPTION USING MESSAGE = '{words}'; END"
    run(desk, f"CREATE FUNCTION flaw() RETURNS trigger LANGUAGE plpgsql AS $f$ {body} $f$")
    run(desk, f"CREATE TRIGGER flaw BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION flaw()")
    yield
    run(desk, "DROP FUNCTION flaw() CASCADE")


def run(desk, sql):
    with desk.store.writing() as connection:
        connection.exec_driver_sql(sql.replace("%", "%%"))


def ask(desk, path):
    """The console's status for somebody who brings secrets in every way."""
    sent = {"Authorization": f"Bearer {bring_key(desk.data)}", "Cookie": f"wirewatch-1={ASKED}", "X-Token": ASKED}
    connection = http.client.HTTPConnection("127.0.0.1", desk.port, timeout=30)
    try:
        connection.request("GET", f"{path}?q={ASKED}", headers=sent)
        return connection.getresponse().status
    except OSError:
        return None
    finally:
        connection.close()


def heard(collector, words):
    return [one for one in collector.said() if words in one[1]]


def provoke_flaws(desk):
    """One in each step; each is repaired before the next, so that the article comes on."""
    collector = desk.collector
    with flaw_in(desk, "article", "poll"):
        desk.set_feed("a", BASELINE + entries(1))
        wait_for(lambda: heard(collector, "flaw in poll"), what="the poll's flaw")
    change(desk, feed, next_poll_at=LONG_AGO, failures=0)
    with flaw_in(desk, "judgement", "analyse"):
        wait_for(lambda: heard(collector, "flaw in analyse"), seconds=60, what="the analyst's flaw")
    with flaw_in(desk, "alert", "raise"):
        change(desk, article, lease_until=LONG_AGO)
        wait_for(lambda: heard(collector, "flaw in raise"), seconds=60, what="the flaw of raising")
    with flaw_in(desk, "attempt", "deliver"):
        change(desk, article, lease_until=LONG_AGO)
        wait_for(lambda: heard(collector, "flaw in deliver"), seconds=60, what="the flaw of delivering")
    with flaw_in(desk, "chore", "tick"):
        wait_for(lambda: heard(collector, "flaw in tick"), seconds=60, what="the tick's flaw")
    run(desk, "ALTER TABLE alert RENAME TO alert_away")
    assert ask(desk, "/") == 503
    wait_for(lambda: [one for one in collector.events if one["tags"]["role"] == "console"], what="the page's flaw")
    run(desk, "ALTER TABLE alert_away RENAME TO alert")


def reasons(desk):
    return {(row.channel, row.reason) for row in desk.rows(delivery)}


def provoke_expected(desk, database, broker):
    """What fails now and then: a receiver, a relay, the database, Redis."""
    change(desk, delivery, lease_until=LONG_AGO)
    refused = {("mail", "auth"), ("hook", "connect")}
    wait_for(lambda: reasons(desk) >= refused, seconds=60, what="refused by the relay, and by the receiver")
    logged = len(desk.logs.read_text())
    database.stop()
    wait_for(lambda: ask(desk, "/healthz") == 503, what="a desk without its database")
    wait_for(lambda: "timer_failed" in desk.logs.read_text()[logged:], what="a tick without its database")
    database.start()
    wait_for(lambda: ask(desk, "/healthz") == 200, what="the database again")
    broker.kill()
    wait_for(lambda: "hint_lost" in desk.logs.read_text()[logged:], seconds=60, what="a desk without its Redis")
    broker.start()


def test_j06_no_secret_of_a_desk_is_told_to_anybody_whatever_fails(desk, around, collector):
    database, broker, _ = around
    up = desk.start(seconds=90)
    wait_for(desk.polled, what="the baseline")
    provoke_flaws(desk)
    provoke_expected(desk, database, broker)
    processes = [psutil.Process(up.pid), *below(up)]
    argv = "\n".join(" ".join(one.cmdline()) for one in processes)
    held = b"\n".join(broker.client.dump(key) or b"" for key in broker.client.keys("*"))
    assert len(processes) >= 5, "up and its roles"
    up.terminate()
    up.wait(30)
    logged = desk.logs.read_text()
    places = {"argv": argv, "redis": held.decode("latin-1"), "logs": logged, "sentry": "\n".join(collector.raw)}
    for secret in desk.secrets():
        for form in (secret, quote(secret, safe=""), base64.b64encode(secret.encode()).decode().rstrip("=")):
            assert not [name for name, said in places.items() if form in said], form
    assert {"poll-deliver", "analyse", "console"} <= {event["tags"]["role"] for event in collector.events}
    expected = {"OperationalError", "ConnectionError", "TimeoutError", "FetchError", "DeliveryError", "StoreError"}
    assert not [one for one in collector.said() if one[0] in expected]
    assert "error" in {one["status"] for one in collector.check_ins}, "the tick that failed"


# ---- what Sentry hears of a desk that runs


class ToldDesk(Desk):
    def __init__(self, folder, *, dsn):
        super().__init__(folder)
        self.dsn = dsn

    def environ(self):
        return super().environ() | {"SENTRY_DSN": self.dsn}


def test_check_ins_of_a_desk_that_runs_are_one_a_minute(tmp_path, collector):
    with ToldDesk(tmp_path, dsn=collector.dsn) as desk:
        desk.start(seconds=90)
        wait_for(lambda: collector.check_ins, what="the first check-in")
        seen = len(desk.origin.requests)
        wait_for(lambda: len(desk.origin.requests) > seen + 8, what="many ticks")
        assert [one["status"] for one in collector.check_ins] == ["ok"]
        change(desk, chore, due_at=LONG_AGO)  # a minute later
        wait_for(lambda: len(collector.check_ins) > 1, what="the second check-in")
        seen = len(desk.origin.requests)
        wait_for(lambda: len(desk.origin.requests) > seen + 8, what="many ticks more")
        assert [one["status"] for one in collector.check_ins] == ["ok", "ok"]
        assert {one["monitor_slug"] for one in collector.check_ins} == {"wirewatch-tick"}
        assert not collector.events


def test_a_desk_goes_on_when_sentry_hangs_and_stops_in_time(tmp_path, collector):
    collector.hang.set()
    with ToldDesk(tmp_path, dsn=collector.dsn) as desk:
        up = desk.start(seconds=90)
        wait_for(desk.polled)
        desk.set_feed("a", BASELINE + entries(3))
        desk.check_alerts(entries(3))
        up.terminate()
        up.wait(30)
        assert not desk.rows(heartbeat), "every role took its leave: none had to be killed"


@pytest.mark.parametrize("verb", ["up", "scheduler", "worker", "console"])
def test_a_dsn_that_is_none_is_said_at_the_start_and_not_quoted(tmp_path, verb, redis_url):
    with ToldDesk(tmp_path, dsn=f"https://{ASKED}@sentry.example/none") as desk:
        argv = [sys.executable, "-m", "worker", verb, "--config", str(desk.config), "--data", str(desk.data)]
        environ = desk.environ() | {"REDIS_URL": redis_url}
        done = subprocess.run(argv, env=environ, capture_output=True, text=True, timeout=120)
        assert done.returncode == 1, done.stderr
        assert done.stderr.startswith("SENTRY_DSN is no DSN.")
        assert done.stderr.count("\n") == 1
        assert ASKED not in done.stderr
