"""The system's Chromium on a desk that has polled and told, its console served on loopback."""

import os
import re

import pytest
from chromium import find_chromium
from desk import BASELINE, Desk, entries
from playwright.sync_api import sync_playwright
from served import Served
from steps import bring, poll_now

from worker.pipeline.deliver import deliver_due

# What the page itself hears of its policy being broken, and of dialogs that a hostile text would open.
WATCH = """
window.broken = [];
document.addEventListener("securitypolicyviolation", (e) => window.broken.push(e.violatedDirective + e.blockedURI));
"""


@pytest.fixture(scope="session")
def chromium_path():
    """Without it: a loud skip, and a failure in CI."""
    found = find_chromium()
    if found is None:
        reason = "Chromium is not installed: the console goes UNTESTED in a browser (install chromium)"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@pytest.fixture
def told(tmp_path):
    """Three alerts, delivered. On SQLite: what a browser shows does not depend on the database."""
    with Desk(tmp_path, feeds=("a", "b")) as desk:
        runtime = desk.runtime()
        poll_now(desk, runtime)
        bring(desk, runtime, "a", entries(3) + BASELINE)
        deliver_due(runtime)
        runtime.store.close()
        yield desk


@pytest.fixture
def served(told):
    with Served(told) as made:
        yield made


class Browser:
    """Opens pages and notes what each did that it should not. `asked`: every address that any page asked for."""

    def __init__(self, chromium, served):
        self.chromium, self.served = chromium, served
        self.asked, self.said, self.pages = [], [], []

    def open(self, path="/", *, width=1400, key=True, **options):
        """A new window, let in by the printed address where `key`."""
        context = self.chromium.new_context(viewport={"width": width, "height": 900}, **options)
        context.add_init_script(WATCH)
        page = context.new_page()
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (self.said.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.clock.install()
        if key:
            page.goto(self.served.address(f"/?key={self.served.key}"))
        if path != "/" or not key:
            page.goto(self.served.address(path))
        self.pages.append(page)
        return page

    def check_quiet(self):
        """No error, no warning, nothing that the policy stopped, and no request to any host but ours."""
        assert self.said == []
        for page in self.pages:
            assert page.evaluate("window.broken") == []
        ours = self.served.address("/")
        assert [url for url in self.asked if not url.startswith(ours)] == []


@pytest.fixture
def browser(chromium_path, served):
    # One for each test: while Playwright runs, this thread has a loop of its own, which the pipeline would run into.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=chromium_path, args=arguments)
        yield Browser(chromium, served)
        chromium.close()


@pytest.fixture
def no_key_in():
    """Whether an address holds a key."""
    return lambda url: not re.search(r"[?&]key=", url)
