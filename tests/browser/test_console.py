"""The console in Chromium: it renders, renews itself, is read on a phone and by keyboard, and obeys no hostile text."""

import itertools
from datetime import timedelta

import pytest
from desk import wait_for
from served import HOSTILE, make_hostile
from steps import change

from worker.links import Claim, Deed, sign
from worker.store.keys import bring_signing_key
from worker.store.schema import alert, delivery, feed, revision

RENEWED = 15_500  # milliseconds after which the page has asked again

# Every text against what lies behind it: the least contrast that WCAG 2.2 asks for is 4.5 to 1, 3 for large letters.
CONTRAST = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = (one) => {
    for (; one; one = one.parentElement) {
      const found = rgba(getComputedStyle(one).backgroundColor);
      if (found[3] === 255) return found;
    }
    return [255, 255, 255];
  };
  const poor = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const one = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !one.checkVisibility()) continue;
    const style = getComputedStyle(one);
    const [a, b] = [light(rgba(style.color)), light(behind(one))].sort((x, y) => y - x);
    const large = parseFloat(style.fontSize) >= 24;
    if ((a + 0.05) / (b + 0.05) < (large ? 3 : 4.5)) poor.add(`${one.tagName}.${one.className}: ${style.color}`);
  }
  return [...poor];
}"""

# Of each element that a reader's software must be able to name, those that have no name.
NAMELESS = """() => [...document.querySelectorAll("a, button, summary, input, img, nav, table")].filter((one) => {
  if (one.tagName === "IMG") return !one.hasAttribute("alt");
  if (one.tagName === "INPUT") return !one.labels.length;
  if (one.tagName === "TABLE") return !one.caption?.textContent.trim();
  return !(one.getAttribute("aria-label") ?? one.textContent).trim();
}).map((one) => one.outerHTML.slice(0, 80))"""

# The heading levels in order; a level that is left out leaves a reader by headings lost.
HEADINGS = """() => [...document.querySelectorAll("h1, h2, h3, h4")].map((one) => Number(one.tagName[1]))"""


def spoil(desk):
    """Every state at once, to be looked at: failing, gone, never polled, given up, waiting."""
    change(desk, feed, failures=3, reason="dns", detail="no such host", title="A paper with a long name " * 6)
    change(desk, delivery, state="abandoned", reason="rejected", detail="550 no", sent_at=None)
    change(desk, revision, title="Supercalifragilistic" * 12 + " 김정은 كيم جونغ أون", text="W" * 4_000)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 360])
def test_pages_render_quietly_and_fit(told, browser, served, width, scheme):
    spoil(told)
    (first, *_) = told.rows(alert)
    page = browser.open(width=width, color_scheme=scheme)
    for path in ("/", f"/alerts/{first.public_id}", "/nothing-here"):
        page.goto(served.address(path))
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert page.evaluate(CONTRAST) == [], path
        assert page.evaluate(NAMELESS) == [], path
        levels = page.evaluate(HEADINGS)
        assert levels[0] == 1 and all(b - a <= 1 for a, b in itertools.pairwise(levels)), (path, levels)
        assert page.evaluate("document.documentElement.lang") == "en"
    # The browser itself says that a page is not there; nothing else was said.
    browser.said = [words for words in browser.said if "404" not in words]
    browser.check_quiet()


def test_the_key_leaves_the_address_and_stays_in_the_browser(browser, served, no_key_in):
    page = browser.open()
    assert page.url == served.address("/")
    assert page.locator("h2").first.inner_text() == "Alerts"
    again = page.context.new_page()
    again.goto(served.address("/"))
    assert again.locator("article").count() == 3
    assert page.evaluate("document.cookie") == "", "no script can read it"
    browser.check_quiet()
    page.go_back()
    assert no_key_in(page.url), "the address with the key is not in the history"


def test_a_key_can_be_pasted(browser, served, no_key_in):
    page = browser.open("/", key=False)
    assert "opens with a key" in page.locator("h1").inner_text()
    page.get_by_label("Key").fill("wrong")
    page.get_by_role("button").click()
    page.wait_for_selector("text=not this desk's key")
    page.get_by_label("Key").fill(served.key)
    page.keyboard.press("Enter")
    page.wait_for_selector("#alerts")
    assert no_key_in(page.url)


def test_a_link_from_elsewhere_opens_for_who_is_in(told, browser, served):
    """A browser keeps our cookie back when another site, such as a web mail, leads here."""
    page = browser.open()
    (first, *_) = told.rows(alert)
    page.goto(f"data:text/html,<a href='{served.address('/alerts/' + first.public_id)}'>An alert</a>")
    page.get_by_role("link").click()
    page.wait_for_selector("text=Why it fired")
    assert page.url == served.address(f"/alerts/{first.public_id}")


def test_the_page_renews_itself_and_keeps_what_the_reader_does(told, browser):
    page = browser.open(width=360)
    page.locator("article h3 a").last.focus()
    held = page.evaluate("document.activeElement.closest('[id]').id")
    top = page.locator("#feeds").evaluate("(one) => { one.scrollIntoView(); return one.getBoundingClientRect().top; }")
    change(told, revision, title="A headline that came meanwhile")
    page.clock.run_for(RENEWED)
    wait_for(lambda: "meanwhile" in page.locator("article h3").first.inner_text())
    assert page.evaluate("document.activeElement.closest('[id]').id") == held
    moved = page.locator("#feeds").evaluate("(one) => one.getBoundingClientRect().top") - top
    assert abs(moved) < 2, "what the reader looks at stays where it is"
    assert "updated" in page.locator("#updated").inner_text()
    browser.check_quiet()


def test_what_was_opened_stays_open(told, browser):
    page = browser.open()
    page.evaluate(
        """() => document.querySelector("#alerts").insertAdjacentHTML("beforeend",
        '<details id="more-alerts" open><summary>more</summary></details>')"""
    )
    fresh = page.evaluate(
        """async () => {
          const answer = await fetch("/");
          const text = (await answer.text()).replace("</main>", '<details id="more-alerts"></details></main>');
          const page = new DOMParser().parseFromString(text, "text/html");
          swap(document.getElementById("main"), document.adoptNode(page.getElementById("main")));
          return document.getElementById("more-alerts").open;
        }"""
    )
    assert fresh is True


def test_nothing_is_swapped_under_a_selection(told, browser):
    page = browser.open()
    page.evaluate("getSelection().selectAllChildren(document.querySelector('article h3'))")
    change(told, revision, title="A headline that came meanwhile")
    page.clock.run_for(RENEWED)
    page.wait_for_timeout(300)
    assert "meanwhile" not in page.locator("article h3").first.inner_text()
    page.evaluate("getSelection().removeAllRanges()")
    page.clock.run_for(RENEWED)
    wait_for(lambda: "meanwhile" in page.locator("article h3").first.inner_text())


def test_a_console_that_is_gone_is_said_and_what_stands_stays(browser, served):
    page = browser.open()
    served.server.should_exit = True
    served.thread.join()
    page.clock.run_for(RENEWED)
    wait_for(lambda: page.locator("#updated.late").count())
    words = page.locator("#updated").inner_text()
    assert words.startswith("Not renewed, the console does not answer; updated ")
    page.clock.run_for(RENEWED)
    page.wait_for_timeout(300)
    assert page.locator("#updated").inner_text() == words
    assert page.locator("article").count() == 3


def test_h08_h09_hostile_texts_do_nothing(told, browser):
    make_hostile(told)
    (first, *_) = told.rows(alert)
    for path in ("/", f"/alerts/{first.public_id}"):
        page = browser.open(path)
        title = page.title()
        page.clock.run_for(RENEWED)
        page.wait_for_timeout(200)
        assert page.title() == title and "Wirewatch" in title
        assert HOSTILE[:40] in page.locator("h3, h1").first.inner_text() or path == "/"
        assert page.locator("main a[target=_blank]").count() == 0
        assert page.locator("h2").first.is_visible()
    browser.check_quiet()


def test_the_page_is_whole_without_scripts(browser):
    context = browser.chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(browser.served.address(f"/?key={browser.served.key}"))
    assert page.locator("article").count() == 3
    assert "updated" in page.locator("#updated").inner_text()


def test_the_keyboard_leads_through_and_shows_where_it_is(browser):
    page = browser.open()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "To the content"
    assert page.locator(".skip").bounding_box()["width"] > 20, "it is seen when it has the focus"
    for _ in range(12):
        page.keyboard.press("Tab")
        seen = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert seen != "none", page.evaluate("document.activeElement.outerHTML")


def test_j02_a_link_in_a_mail_acts_by_its_button_alone(told, browser, served):
    """Also in a browser that has never been let in; a page of another site presses no button."""
    (first, second, *_) = told.rows(alert)
    expires = first.raised_at + timedelta(days=7)
    key = bring_signing_key(told.store)
    paths = ["/do/" + sign(key, Claim(Deed.ACKNOWLEDGE, one.public_id, "ana", expires)) for one in (first, second)]
    page = browser.open(paths[0], key=False, width=360)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360 and page.evaluate(NAMELESS) == []
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate(CONTRAST) == [], scheme
    assert told.rows(alert, alert.c.acknowledged_at.is_not(None)) == []
    page.get_by_role("button", name="Acknowledge").click()
    page.wait_for_selector("text=Ana acknowledged it at")
    assert page.evaluate(CONTRAST) == []
    page.reload()
    page.wait_for_selector("text=It is done already")
    browser.check_quiet()
    page.goto(f"data:text/html,<form method=post action='{served.address(paths[1])}'><button>Win</button></form>")
    page.get_by_role("button").click()
    page.wait_for_selector("text=Nothing was done")
    assert [one.public_id for one in told.rows(alert, alert.c.acknowledged_at.is_not(None))] == [first.public_id]
