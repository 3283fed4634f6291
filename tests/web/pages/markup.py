"""What a page holds, read with the standard library's parser, as a browser without scripts would."""

from html.parser import HTMLParser

ADDRESSES = ("href", "src", "action", "formaction", "poster", "data", "srcset")


class Markup(HTMLParser):
    """The elements of a page, its texts, and the content of its data blocks."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.data: list[str] = []
        self.pieces: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag in ("script", "style"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Leave an element."""
        if self._open and self._open[-1] == tag:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        """Note a text, or the content of a data block."""
        (self.data if self._open else self.pieces).append(data)

    @property
    def text(self) -> str:
        """All that can be read, with single spaces."""
        return " ".join(" ".join(self.pieces).split())

    def all(self, tag: str, **attributes: str) -> list[dict[str, str]]:
        """Return the attributes of every element of a name that has these attributes."""
        return [found for name, found in self.elements if name == tag and attributes.items() <= found.items()]

    @property
    def links(self) -> list[str]:
        """Every address in the page that a browser might follow or load."""
        return [found[name] for _, found in self.elements for name in ADDRESSES if name in found]
