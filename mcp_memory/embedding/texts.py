"""Pure: a text as a model from elsewhere can take it. The bundled one takes any."""

from typing import Final

BLANK: Final = "."  # endpoints refuse a text with nothing in it, and a full stop says as little


def readable(text: str, longest: int) -> str:
    """Its first `longest` characters, without the half surrogates that no UTF-8 can hold; never blank."""
    cut = text[:longest].encode("utf-8", "replace").decode("utf-8")
    return cut if cut.strip() else BLANK
