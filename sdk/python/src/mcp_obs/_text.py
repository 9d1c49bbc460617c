"""Texts from the client and the host, as a span can carry them."""

# No name or message that is meant to be read is longer.
LONGEST_TEXT = 1024


def carried(text: str) -> str:
    """`text` cut to the longest length, and without lone surrogates.

    UTF-8 has no lone surrogates: one in a span's name or description costs the exporter the whole batch.
    """
    return text[:LONGEST_TEXT].encode(errors="replace").decode()
