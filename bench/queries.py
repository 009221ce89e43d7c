"""How many articles one core holds against queries in a second: `python -m bench.queries`.

Made-up ledes against the four queries below, each article folded once, as the serial step does it.
"""

from __future__ import annotations

import time

from bench.desk import watchlist
from bench.made_up import LEDE, Writer
from worker.query.evaluate import find
from worker.query.parse import parse_query

ARTICLES = 5_000
QUERIES = (
    '("artillery shells" OR "ballistic missile*" OR munition*) NOT film',
    "Kim NEAR/10 (Putin OR Lavrov OR Shoigu)",
    "(missile OR rocket OR 미사일 OR ракета OR صاروخ) (Pyongyang OR 평양 OR Пхеньян)",
    '"North Korea" Russia arms',
)


def main() -> None:
    writer = Writer(watchlist(), seed=7)
    articles = [writer.article(LEDE) for _ in range(ARTICLES)]
    queries = [parse_query(text) for text in QUERIES]
    began = time.process_time()
    found = sum(find(query, title=one.title, text=one.text) is not None for one in articles for query in queries)
    seconds = time.process_time() - began
    count = len(articles) * len(queries)
    print(f"{count:,} queries answered in {seconds:.2f} s: {count / seconds:,.0f} a second; {found} matched.")


if __name__ == "__main__":
    main()
