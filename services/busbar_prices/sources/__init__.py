"""One module per source: which question to put, and how to read its answer. All of it pure."""
