"""A desk whose feed `a` wants its articles' pages, and the site that they are on."""

import html

import yaml
from origin import rss
from scripted import Origin, http

from worker.pipeline.pages import fetch_due_pages
from worker.store.schema import article, page

LONG = [f"On day {n} the works manager spoke of the steel that goes east, and of what comes back." for n in range(9)]


def page_of(*paragraphs, head=""):
    """An article's page as a publisher has it."""
    text = "".join(f"<p>{html.escape(one)}</p>" for one in paragraphs)
    links = "".join(f"<li><a href='/s/{n}'>Section {n}</a></li>" for n in range(20))
    return (
        f"<!DOCTYPE html><html><head>{head}<title>Paper</title></head><body><nav><ul>{links}</ul></nav>"
        f"<article><h1>Headline</h1>{text}</article><footer>All rights reserved</footer></body></html>"
    ).encode()


def answer(body, content_type=b"text/html; charset=utf-8"):
    return http(200, b"Content-Type: " + content_type, body=body)


class Site(Origin):
    """Pages by path; robots.txt is not there unless it is given."""

    def __init__(self, host="127.0.0.1"):
        super().__init__(host)
        self.routes["/robots.txt"] = http(404)

    def asked(self, path=None):
        paths = [request.split(b" ", 2)[1].decode() for request in self.requests]
        return paths if path is None else paths.count(path)


def allow(desk, *origins, full_text=("a",), spacing="0s"):
    """The configuration that asks for pages, and may dial these."""
    network, feeds = desk.config / "network.yaml", desk.config / "feeds.yaml"
    values = yaml.safe_load(network.read_text())
    values["allow"][0]["ports"] += [origin.server_address[1] for origin in origins]
    values["hosts"]["127.0.0.1"]["spacing"] = spacing
    network.write_text(yaml.safe_dump(values))
    values = yaml.safe_load(feeds.read_text())
    for one in values["feeds"]:
        one["full_text"] = one["id"] in full_text
    feeds.write_text(yaml.safe_dump(values))


def set_articles(desk, site, items, *, name="a"):
    """(id, headline, text); each one's page is at the site's `/id`."""
    desk.origin.documents[f"/{name}"] = rss(name, items).replace(b"https://paper.example", site.url.encode())


def fetch_pages(runtime):
    """As the tasks do: until a batch is not full."""
    while fetch_due_pages(runtime):
        pass


def page_rows(desk):
    """By the last part of their address."""
    return {row.url.rsplit("/", 1)[-1]: row for row in desk.rows(page)}


def article_rows(desk):
    return {row.url.rsplit("/", 1)[-1]: row for row in desk.rows(article)}
