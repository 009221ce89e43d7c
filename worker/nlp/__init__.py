"""Language: what an article is written in, what it is about, whom and what it names. The only home of spaCy."""
