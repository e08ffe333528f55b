"""What a conversion did, for people (Markdown) and programs (JSON)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..config import ModelConfig, to_dict


@dataclass(frozen=True)
class Dropped:
    """Tensors that no network needs."""

    reason: str
    keys: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """One conversion: where it came from, its sizes, and what became of every tensor."""

    name: str
    checkpoint: str
    networks: ModelConfig
    sha256: str
    used: int
    dropped: tuple[Dropped, ...]
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "name": self.name,
            "checkpoint": self.checkpoint,
            "sha256": self.sha256,
            "networks": to_dict(self.networks),
            "used": self.used,
            "dropped": [{"reason": group.reason, "keys": list(group.keys)} for group in self.dropped],
            "notes": list(self.notes),
        }

    def as_markdown(self) -> str:
        """A page: also the model card of the converted model."""
        config = self.networks
        lines = [
            f"# {self.name}",
            "",
            f"Converted from `{self.checkpoint}`, a checkpoint in the layout that the authors of iPOKE (ICCV 2021) released.",
            "Its licence and training data are those of its source.",
            "",
            "| | |",
            "|---|---|",
            f"| working resolution | {config.size_px} px, {config.frames} frames |",
            f"| latent code | {config.flow.channels} x 8 x 8 |",
            f"| poke encoder's input | {'pokes and still' if config.conditioner.poke.in_channels == 5 else 'pokes'} |",
            f"| flow | steps {', '.join(map(str, config.flow.num_steps))}; {config.flow.mid_channels} hidden channels |",
            f"| tensors used | {self.used} |",
            *(f"| tensors dropped | {len(group.keys)}: {group.reason} |" for group in self.dropped),
            "",
            *(f"* {note}" for note in self.notes),
        ]
        return "\n".join(lines).rstrip() + "\n"
