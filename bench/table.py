"""Rows under a header, for a terminal or for notes."""

from collections.abc import Sequence

Cells = Sequence[str]


def plain(header: Cells, rows: Sequence[Cells]) -> str:
    """Aligned with spaces; numbers to the right."""
    widths = [max(len(row[n]) for row in (header, *rows)) for n in range(len(header))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if n else cell.ljust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in (header, ["-" * width for width in widths], *rows)
    )


def markdown(header: Cells, rows: Sequence[Cells]) -> str:
    """As Markdown."""
    ruler = ["---", *["--:"] * (len(header) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (header, ruler, *rows))
