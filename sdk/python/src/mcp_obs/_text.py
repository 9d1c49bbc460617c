"""Texts from the client and the host, as a span can carry them."""

# No name or message that is meant to be read is longer.
LONGEST_TEXT = 1024


def carried(text: str) -> str:
    """`text` cut to the longest length, and clean."""
    return clean(text[:LONGEST_TEXT])


def clean(text: str) -> str:
    """`text` without lone surrogates.

    UTF-8 has none: one in a span's name or description costs the exporter the whole batch.
    """
    # Most texts are ASCII, which costs nothing to find out.
    return text if text.isascii() else text.encode(errors="replace").decode()


def in_one_line(text: str) -> str:
    """`text` for a log, where its line breaks and escape sequences would look like further lines."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())
