"""The columns of the tables: what is measured, in which unit, and how it is summed up over the clips."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..metrics.estimates import Statistic


@dataclass(frozen=True)
class Column:
    """`key` names it in JSON, `heading` in Markdown."""

    key: str
    heading: str
    decimals: int = 3
    statistic: Statistic = np.nanmean
    shows_interval: bool = True


@dataclass(frozen=True)
class Table:
    """Columns that belong together."""

    title: str
    columns: tuple[Column, ...]


TIP_PERCENT = Column("tip_error_percent", "tip error, median % of the arrow", 1, np.nanmedian)
TIP_PX = Column("tip_error_px", "tip error, median px", 2, np.nanmedian)
RIGHT_WAY = Column("right_way_percent", "right way, %", 1, shows_interval=False)
DRIFT = Column("background_drift_px", "background drift, px")
LEAK = Column("leak_percent", "leak, % of the arrow", 1)
LPIPS = Column("lpips", "LPIPS (AlexNet)", 4)
SSIM = Column("ssim", "SSIM")
PSNR = Column("psnr_db", "PSNR, dB", 2)
AHEAD_LPIPS = Column("ahead_of_warp_lpips_percent", "LPIPS ahead of the gaussian warp's, % of clips", 0)
FVD = Column("fvd", "FVD (I3D Kinetics-400 scores, 224 px)", 1)
I3D_DISTANCE = Column("i3d_distance", "distance of these scores from the true clip's", 2)
AHEAD_I3D = Column("ahead_of_warp_i3d_percent", "that distance ahead of the gaussian warp's, % of clips", 0)
DIVERSITY_MSE = Column("diversity_mse", "MSE between variants", 5)
DIVERSITY_LPIPS = Column("diversity_lpips", "LPIPS between variants", 4)
DIVERSITY_LEVELS = Column("diversity_levels", "mean difference between variants, of 255", 2)
SPEED = Column("speed_distance_px", "speeds, earth mover's distance, px a frame", 3)
ACCELERATION = Column("acceleration_distance_px", "accelerations, the same", 3)
MEAN_SPEED = Column("mean_speed_px", "mean speed, px a frame", 3)
SEAM = Column("loop_seam_steps", "jump from the last frame to the still, in mean steps", 2)

TABLES = (
    Table("Control", (TIP_PERCENT, TIP_PX, RIGHT_WAY, DRIFT, LEAK)),
    Table("Likeness to the true clip", (LPIPS, SSIM, PSNR, AHEAD_LPIPS)),
    Table("Likeness as video", (FVD, I3D_DISTANCE, AHEAD_I3D)),
    Table("Diversity", (DIVERSITY_MSE, DIVERSITY_LPIPS, DIVERSITY_LEVELS)),
    Table("Motion", (MEAN_SPEED, SPEED, ACCELERATION, SEAM)),
)
