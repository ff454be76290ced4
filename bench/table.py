"""Rows under a header, for a terminal or for notes."""

from collections.abc import Sequence

Cells = Sequence[str]


def plain(header: Cells, rows: Sequence[Cells]) -> str:
    """Aligned with spaces; numbers to the right."""
    widths = [max(len(row[n]) for row in (header, *rows)) for n in range(len(header))]
    lines = (header, ["-" * width for width in widths], *rows)
    return "\n".join("  ".join(_aligned(line, widths)) for line in lines)


def markdown(header: Cells, rows: Sequence[Cells]) -> str:
    """As Markdown."""
    ruler = ["---", *["--:"] * (len(header) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (header, ruler, *rows))


def _aligned(cells: Cells, widths: Sequence[int]) -> list[str]:
    first, *rest = cells
    return [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True))]
