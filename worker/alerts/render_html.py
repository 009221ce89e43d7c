"""An alert as simple HTML: one narrow column that Gmail, Outlook and a dark page show alike, nothing loaded. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from worker.alerts.moments import first_raised, seen_words, times_line
from worker.alerts.render import FAINT, FRAME
from worker.alerts.wording import (
    also_lines,
    because,
    capital,
    direction,
    kind_words,
    marked,
    matched_words,
    preview,
    severity_word,
    spread_line,
    web_link,
    why_lines,
)
from worker.display import as_markup
from worker.model import Action, AlertArticle, AlertContent

# Colour is never the only sign: the severity stands beside it in words.
COLOURS: Final = {"low": "#57606a", "normal": "#0b5cad", "high": "#a04000", "critical": "#a1121f"}
EDGE: Final = "#8a929a"  # of boxes and rules: seen on white and on black
MARK: Final = "background-color:#ffe08a;color:#1b1f24;text-decoration:underline"
HEADING: Final = '<h2 style="margin:20px 0 6px;font-size:15px">{}</h2>'
BULLETS: Final = '<ul style="margin:0;padding-left:20px;font-size:15px">{}</ul>'
CODE: Final = "font:12px/1.6 Consolas,Menlo,'DejaVu Sans Mono',monospace;word-wrap:break-word"
# Read by lists of mails beside the subject, and shown by none on the page itself.
PREVIEW: Final = '<div style="display:none;max-height:0;overflow:hidden;mso-hide:all">{}</div>'
# A table each, side by side where there is room: Outlook knows a button's padding on a cell alone.
BUTTON: Final = (
    '<table role="presentation" align="left" cellpadding="0" cellspacing="0" border="0" style="margin:0 8px 8px 0">'
    f'<tr><td style="border:1px solid {EDGE};border-radius:4px;padding:6px 10px;font-size:14px">'
    '<a href="{url}" style="color:inherit;text-decoration:none"><b>{words}</b></a></td></tr></table>'
)


def html_text(content: AlertContent, zone: str, actions: Sequence[Action] = ()) -> str:
    """The same as `plain_text` says, in the same order."""
    colour = COLOURS.get(content.severity, COLOURS["normal"])
    spread = spread_line(content, zone)
    parts = [
        PREVIEW.format(as_markup(preview(content))),
        _top(content, colour),
        *_since(content, zone, colour),
        *(_article(article, matched_words(content, article), zone, colour) for article in content.articles),
        f'<p style="margin:0;font-size:15px">{as_markup(spread)}</p>' if content.outlets > 1 else "",
        *_first(content, zone),
        HEADING.format("Why you get this"),
        BULLETS.format("".join(_bullet(_labelled(line)) for line in why_lines(content))),
    ]
    if content.also:
        also = "".join(_bullet(as_markup(one)) for one in also_lines(content))
        parts += [HEADING.format("Also"), BULLETS.format(also)]
    return FRAME.format(
        title=as_markup(content.story_title), body="".join([*parts, *_acts(actions), _foot(content, zone)])
    )


def _top(content: AlertContent, colour: str) -> str:
    kind = f" · {kind_words(content)}" if kind_words(content) else ""
    return (
        '<p style="margin:0 0 14px;font-size:14px">'
        f'<b style="background-color:{colour};color:#ffffff;padding:2px 0">&nbsp;'
        f"{as_markup(severity_word(content.severity) + kind)}&nbsp;</b>&nbsp; {as_markup(content.rule_name)}</p>"
    )


def _since(content: AlertContent, zone: str, colour: str) -> Iterator[str]:
    """What a reader who knows the alert must see first."""
    if content.kind == "alert.reminder":
        when = as_markup(first_raised(content, zone))
        yield f'<p style="margin:0 0 14px"><b>Nobody has acknowledged this alert</b> since it was raised, {when}.</p>'
    if content.new:
        news = "".join(_bullet(f"<b>{as_markup(capital(one.words))}</b>") for one in content.new)
        yield (
            '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" '
            'style="margin:0 0 16px"><tr>'
            f'<td style="border:1px solid {EDGE};border-left:4px solid {colour};padding:10px 14px">'
            f'<h2 style="margin:0 0 6px;font-size:15px">What is new</h2>{BULLETS.format(news)}</td></tr></table>'
        )


def _article(article: AlertArticle, words: Sequence[str], zone: str, colour: str) -> str:
    url = as_markup(web_link(article.url))
    title = _highlighted(article.title, words)
    headline = f'<a href="{url}" style="color:inherit;text-decoration:none">{title}</a>' if url else title
    source = f'<b dir="{direction(article.source)}">{as_markup(article.source)}</b>'
    source = f'{source} &nbsp;<a href="{url}">Read the article</a>' if url else source
    html = (
        f'<h1 {_script(article, article.title)} style="margin:0 0 6px;font-size:21px;line-height:1.3">{headline}</h1>'
        f'<p style="margin:0 0 12px;font-size:14px">{source}<br>'
        f'<span style="{FAINT}">{as_markup(capital(seen_words(article, zone)))}</span></p>'
    )
    if not article.quote:
        return html
    side = "right" if direction(article.quote) == "rtl" else "left"
    quoted = _highlighted(article.quote, words).replace("\n", "<br>")
    return html + (
        f'<blockquote {_script(article, article.quote)} style="margin:0 0 14px;padding:2px 14px;'
        f'border-{side}:3px solid {colour}">{quoted}</blockquote>'
    )


def _first(content: AlertContent, zone: str) -> Iterator[str]:
    if content.kind == "alert.updated":
        reasons = because(content, content.first_why or content.why)
        yield HEADING.format("First raised")
        yield (
            f'<p style="margin:0;font-size:15px"><span dir="{direction(content.story_title)}">'
            f"{as_markup(content.story_title)}</span><br>{as_markup(first_raised(content, zone))}<br>"
            f"Because of {as_markup(reasons)}</p>"
        )


def _acts(actions: Sequence[Action]) -> Iterator[str]:
    """Buttons for what has an address, and below them the commands for what has none."""
    linked = [action for action in actions if web_link(action.url)]
    if linked:
        buttons = "".join(BUTTON.format(url=as_markup(action.url), words=as_markup(action.words)) for action in linked)
        yield f'<p style="margin:0 0 18px"></p>{buttons}<br clear="all">'
    typed = [action for action in actions if not web_link(action.url) and action.command]
    if typed:
        yield HEADING.format("What you can do")
        for action in typed:
            yield (
                f'<p style="margin:0 0 6px;font-size:14px">{as_markup(action.words)}:<br>'
                f'<code style="{CODE}">{as_markup(action.command)}</code></p>'
            )


def _foot(content: AlertContent, zone: str) -> str:
    url = web_link(content.url)
    lines = [as_markup(times_line(content, zone))]
    lines += [as_markup(spread_line(content, zone))] if content.outlets < 2 else []
    lines += [f'<a href="{as_markup(url)}">Open in Wirewatch</a>'] if url else []
    lines.append(f"Alert {as_markup(content.alert_id)} · story {as_markup(content.story_id)}")
    return (
        f'<p style="margin:20px 0 0;padding-top:12px;border-top:1px solid {EDGE};font-size:13px">'
        f'<span style="{FAINT}">{"<br>".join(lines)}</span></p>'
    )


def _bullet(html: str) -> str:
    return f'<li style="margin:0 0 4px">{html}</li>'


def _labelled(line: str) -> str:
    label, _, words = line.partition(": ")
    return f"<b>{as_markup(label)}:</b> {as_markup(words)}"


def _script(article: AlertArticle, text: str) -> str:
    """Direction and language: by the language a browser draws Han letters as Korean, Japanese or Chinese readers do."""
    way = direction(text)
    language = f' lang="{as_markup(article.language)}"' if article.language else ""
    return f'dir="{way}" align="{"right" if way == "rtl" else "left"}"{language}'


def _highlighted(text: str, words: Sequence[str]) -> str:
    return "".join(
        f'<b style="{MARK}">{as_markup(piece)}</b>' if hit else as_markup(piece) for piece, hit in marked(text, words)
    )
