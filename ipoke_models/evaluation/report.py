"""The tables of a run, as Markdown and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import chain

from ..metrics.estimates import Estimate
from .columns import TABLES, Column, Table

Row = Mapping[Column, Estimate]


@dataclass(frozen=True)
class Report:
    """The rows by name, what could not be measured and why, and what the run took."""

    rows: Mapping[str, Row]
    clips: int
    videos: int
    """How many of the clips FVD and motion were measured on."""
    left_out: tuple[str, ...]
    took_s: float

    def markdown(self) -> str:
        """The tables that have something to show."""
        tables = [text for table in TABLES if (text := markdown_table(table, self.rows))]
        about = (
            f"{self.clips} clips, {self.videos} of them as videos, in {self.took_s / 60:.1f} minutes; in brackets 95 % bootstrap "
            "intervals over clips."
        )
        return "\n\n".join([*tables, *(f"Left out: {sentence}" for sentence in self.left_out), about])

    def document(self) -> dict[str, object]:
        """For JSON."""
        rows = {name: {column.key: asdict(cell) for column, cell in row.items()} for name, row in self.rows.items()}
        return {
            "clips": self.clips,
            "videos": self.videos,
            "took_s": round(self.took_s, 1),
            "left_out": self.left_out,
            "rows": rows,
        }


def markdown_table(table: Table, rows: Mapping[str, Row]) -> str:
    """The table, without columns that no row has and rows that have no column; empty where nothing is left."""
    shown = [column for column in table.columns if any(column in row for row in rows.values())]
    listed = {name: row for name, row in rows.items() if any(column in row for column in shown)}
    if not listed:
        return ""
    lines = [f"| {table.title} | " + " | ".join(column.heading for column in shown) + " |", "|---" * (len(shown) + 1) + "|"]
    for name, row in listed.items():
        cells = (_cell(column, row[column]) if column in row else "" for column in shown)
        lines.append("| " + " | ".join(chain([name], cells)) + " |")
    return "\n".join(lines)


def _cell(column: Column, cell: Estimate) -> str:
    value, low, high = (f"{number:.{column.decimals}f}" for number in (cell.value, cell.low, cell.high))
    return f"{value} ({low} to {high})" if column.shows_interval else value
