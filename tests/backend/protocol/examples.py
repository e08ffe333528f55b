"""One valid example of every message, for tests that walk through all of them."""

from __future__ import annotations

import dataclasses

from backend.protocol import messages as m
from backend.protocol.errors import ErrorCode
from backend.protocol.limits import PIECE_BYTES
from ipoke_values import Like, Sampling

SHA = "ab" * 32
JOB = "job-1"

MODEL = m.ModelEntry("garden-64", 64, 10, 5, SHA)
SUMMARY = m.JobSummary(
    model=MODEL,
    plate_sha256=SHA,
    plate_size_px=(640, 480),
    region_px=(80, 0, 480, 480),
    output_size_px=(640, 480),
    depth_bits=8,
    frames=10,
    colour="sRGB",
    versions=(m.Version("ipoke", "0.1.0"),),
)
ERROR = m.ErrorInfo(ErrorCode.POISON, "It died.")
SAMPLE = m.Sample(
    job_id=JOB,
    plate_sha256=SHA,
    pokes=(m.Poke(0.5, 0.4, 0.1, -0.1), m.Poke(0.25, 0.25, 0.0, 0.5)),
    region=m.Region(80, 0, 480, 480),
    samples=4,
    first=0,
    sampling=Sampling(7),
    model="garden-64",
    size=m.OutputSize.PLATE,
    upright=True,
    depth_bits=8,
)
FIND_THING = m.FindThing(
    job_id=JOB,
    plate_sha256=SHA,
    strokes=(m.Stroke(((0.5, 0.4),)), m.Stroke(((0.25, 0.25), (0.5, 1.0)), 0.02, adds=False)),
    start=m.ThingStart.AUTO,
    upright=True,
    long_side_px=512,
)
INVERT = m.Invert(JOB, (SHA, "cd" * 32), SAMPLE.pokes, SAMPLE.region, "garden-64", True, "leaf.mp4")
EXAMPLES: tuple[m.Message, ...] = (
    m.Hello(),
    m.Ping(3, 1024),
    m.Upload(SHA, 3 * PIECE_BYTES, PIECE_BYTES),
    SAMPLE,
    dataclasses.replace(SAMPLE, samples=1, kinematics_sha256=SHA),
    dataclasses.replace(SAMPLE, samples=1, kept=(SHA, "cd" * 32)),
    dataclasses.replace(SAMPLE, sampling=Sampling(7, (Like(7, 2, 0.5), Like(2**62, 0, 1.0)), 0.25)),
    dataclasses.replace(
        SAMPLE,
        playback=m.Playback(48, 2, m.Easing.LINEAR, m.Loop.CLOSED, 3),
        lock_sha256=SHA,
        clean_sha256="cd" * 32,
        passes=True,
        premultiplied=True,
        layer="ViewLayer.Combined",
    ),
    dataclasses.replace(SAMPLE, region=None, regions=(m.Region(0, 0, 200, 200), m.Region(200, 0, 100, 100))),
    dataclasses.replace(SAMPLE, mesh=True, frames=False),
    INVERT,
    dataclasses.replace(INVERT, frame_sha256s=(SHA,), variant=m.Variant(Sampling(7, (Like(5, 2, 0.25),), 0.75), 3), layer="a/b"),
    FIND_THING,
    dataclasses.replace(
        FIND_THING,
        start=m.ThingStart.MASK,
        mask_sha256=SHA,
        clean_sha256="cd" * 32,
        strokes=(),
        level=m.Level.GROUP,
        alone=True,
        layer="a/b",
    ),
    m.Cancel(JOB),
    m.CancelAll(False),
    m.ReleaseMemory(),
    m.AskStatus(),
    m.Bye(),
    m.Welcome("0" * 32),
    m.Ready(m.ServerInfo("0.1.0", "CPU", 1024, (MODEL,))),
    m.Pong("0" * 32, 3),
    m.NeedUpload(SHA, PIECE_BYTES),
    m.Queued(JOB, 2),
    m.Started(JOB),
    m.Prepared(JOB, SUMMARY),
    m.Progress(JOB, "sample", 3, 40, 1.5),
    m.Frame(JOB, 0, 1),
    m.Passes(JOB, 0, 1),
    m.BodyMesh(JOB, (640, 480)),
    m.BodyPoses(JOB, 0),
    m.VariantDone(JOB, 0, (SHA, SHA)),
    m.VariantDone(JOB, 0, (), poses_sha256=SHA),
    m.VariantDone(JOB, 0, (SHA, SHA), m.Seam(m.Loop.CLOSED, 0.5, 0.25, 1.0)),
    m.Kinematics(JOB, SHA),
    m.ThingFound(JOB, m.ThingOrigin.SEGMENTER, tuple(m.Level), (0.5, 0.75, 0.25), 1),
    m.ThingFound(JOB, m.ThingOrigin.NONE, (), (), reason="No segmenter is installed."),
    m.Finished(JOB, SUMMARY),
    m.Finished(JOB, dataclasses.replace(SUMMARY, pose_difference=0.25)),
    m.Failed(JOB, ERROR),
    m.Cancelled(JOB),
    m.Restarted(JOB, 1),
    m.Refused(ERROR),
    m.Memory(("garden-64",), 120),
    m.Status(
        m.ServerInfo("0.1.0", "CPU", 1024, (MODEL,)),
        12.5,
        (m.ClientStatus(0.5, 1, 1, 2, 0),),
        (m.WorkerStatus(123, True, "CPU", JOB, ("garden-64",), 120),),
    ),
)
EVERY = m.FROM_CLIENT + m.FROM_BACKEND


def raw_of(message: m.Message) -> tuple[bytes, ...]:
    return (b"raw",) * message.raw_parts
