"""From rows to what a template shows: names for ids, plain words for states, matched words marked. All pure."""
