"""The one client of the backend, used by the add-on, the command line and the tests.

Standard library, pyzmq and `..protocol` only; relative imports only; no threads.
"""

from __future__ import annotations

from ipoke_values import Like, Sampling

from ..protocol.errors import ErrorCode, IpokeError, ProtocolError
from ..protocol.messages import (
    ErrorInfo,
    JobSummary,
    Level,
    ModelEntry,
    OutputSize,
    Poke,
    Region,
    ServerInfo,
    Stroke,
    ThingFound,
    ThingOrigin,
    ThingStart,
)
from .connection import Connection
from .connection_file import ConnectionFile
from .driver import drive
from .errors import DriveTimeoutError, LaunchError, LinkError
from .events import (
    Cancelled,
    Connected,
    Event,
    Failed,
    Finished,
    FrameArrived,
    KinematicsArrived,
    Lost,
    MeshArrived,
    PassesArrived,
    PosesArrived,
    Prepared,
    Progress,
    Queued,
    Restarted,
    Started,
    Status,
    ThingArrived,
    VariantDone,
)
from .launcher import Launcher, LauncherState, LaunchPhase
from .local import LocalBackend
from .paths import default_runtime_dir, find_backend
from .request import InvertRequest, SampleRequest, ThingRequest, new_job_id
from .results import ResultWriter, frame_file_name, variant_folder_name
from .session import Session

__all__ = [
    "Cancelled",
    "Connected",
    "Connection",
    "ConnectionFile",
    "DriveTimeoutError",
    "ErrorCode",
    "ErrorInfo",
    "Event",
    "Failed",
    "Finished",
    "FrameArrived",
    "InvertRequest",
    "IpokeError",
    "JobSummary",
    "KinematicsArrived",
    "LaunchError",
    "LaunchPhase",
    "Launcher",
    "LauncherState",
    "Level",
    "Like",
    "LinkError",
    "LocalBackend",
    "Lost",
    "MeshArrived",
    "ModelEntry",
    "OutputSize",
    "PassesArrived",
    "Poke",
    "PosesArrived",
    "Prepared",
    "Progress",
    "ProtocolError",
    "Queued",
    "Region",
    "Restarted",
    "ResultWriter",
    "SampleRequest",
    "Sampling",
    "ServerInfo",
    "Session",
    "Started",
    "Status",
    "Stroke",
    "ThingArrived",
    "ThingFound",
    "ThingOrigin",
    "ThingRequest",
    "ThingStart",
    "VariantDone",
    "default_runtime_dir",
    "drive",
    "find_backend",
    "frame_file_name",
    "new_job_id",
    "variant_folder_name",
]
