"""The operators that give the add-on a backend: a managed environment, or one that is there already."""

import platform
import shutil
import subprocess
import sys
from pathlib import Path

import bpy
from bpy.app.translations import pgettext_iface as tell
from bpy.props import EnumProperty, StringProperty

from .._vendor.client import find_backend, new_job_id
from ..core.errors import AddonError, SetupError
from ..core.jobs import app
from ..core.setup import environment, setup
from ..core.setup.environment import Device, PackageList, Plan
from ..core.setup.setup import SetupPhase
from ..scene import preferences
from ..session import backend_choice, running, timer
from .reasons import holds

DEVICES = (
    ("CPU", "Processor", "PyTorch for the processor: works everywhere, slower"),
    ("CUDA", "NVIDIA GPU", "PyTorch with CUDA: needs an NVIDIA card with its driver, and much more room"),
)
DIALOG_WIDTH = 440
PYTHON_LIMIT_S = 10.0
NAME_CHARACTERS = 6  # paths inside are long, and some file systems take 260 characters only


class IPOKE_OT_set_up_backend(bpy.types.Operator):
    """Install the backend into an environment of its own, after asking; nothing goes into Blender's Python"""

    bl_idname = "ipoke.set_up_backend"
    bl_label = "Set Up Backend"
    bl_options = {"REGISTER"}

    device: EnumProperty(name="Device", description="What the models are to run on", items=DEVICES, default="CPU")
    python: StringProperty(
        name="Python",
        description="A Python program to make the environment with; empty takes Blender's own",
        subtype="FILE_PATH",
        options={"SKIP_SAVE"},
    )
    wheels: StringProperty(
        name="Wheels",
        description="Folder with the packages, for a machine without a network; empty downloads them",
        subtype="DIR_PATH",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """Nothing may be made, or be set up, at the time."""
        idle = not running.state().jobs and not running.installer().active
        return holds(cls, idle, "Wait for the end of what is being made, or cancel it")

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Say what would be done, and ask."""
        self.device = "CUDA" if shutil.which("nvidia-smi") else "CPU"
        return context.window_manager.invoke_props_dialog(
            self, width=DIALOG_WIDTH, title="Set Up the Backend?", confirm_text="Set Up"
        )

    def draw(self, _context: bpy.types.Context) -> None:
        """Draw what will be installed, from where, how large it is, and where it goes."""
        layout = self.layout
        layout.row().prop(self, "device", expand=True)
        column = layout.column()
        column.use_property_split = True
        column.prop(self, "wheels")
        column.prop(self, "python")
        if not self.wheels and not bpy.app.online_access:
            row = layout.row()
            row.label(text="Blender is offline, and downloads nothing", icon="INTERNET_OFFLINE")
            row.operator("ipoke.open_preferences", text="Allow Online Access").section = "SYSTEM"
        column = layout.box().column(align=True)
        try:
            packages = _packages(Device[self.device], _own_version())
        except SetupError as error:
            column.label(text=error.sentence, icon="ERROR")
            return
        size_gb, source = packages.size_bytes / 1e9, _source_label(packages, self.wheels)
        column.label(text=tell("PyTorch and what else the backend needs, each file checked by its hash"), icon="PACKAGE")
        column.label(text=tell("From {source}").format(source=source), icon="URL")
        room = tell("{size:.1f} GB to get, at most {needed:.1f} GB of disk")
        needed = size_gb * environment.DISK_FOR_EACH_BYTE
        column.label(text=room.format(size=size_gb, needed=needed), icon="DISK_DRIVE")
        column.label(text=str(backend_choice.managed_root()), icon="FILE_FOLDER")

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Begin; without a window, wait for the end."""
        try:
            plan = self._plan()
        except AddonError as error:
            self.report({"ERROR"}, error.sentence)
            return {"CANCELLED"}
        timer.forget_failure()
        timer.dispatch(app.StopAsked())
        timer.set_up(setup.SetupAsked(plan))
        now = running.installer().state
        if now.active or now.phase is SetupPhase.DONE:
            return {"FINISHED"}
        self.report({"ERROR"}, now.sentence)
        return {"CANCELLED"}

    def _plan(self) -> Plan:
        """Return what the properties ask for; raises `SetupError`."""
        wheels = Path(bpy.path.abspath(self.wheels)) if self.wheels else None
        if wheels is None and not bpy.app.online_access:
            sentence = "Allow online access in Blender's System preferences, or name a folder of wheels."
            raise SetupError(sentence)
        if wheels is not None and not wheels.is_dir():
            raise SetupError(f"{wheels} is no folder; name the one with the packages.")
        python = Path(bpy.path.abspath(self.python)) if self.python else Path(sys.executable)
        version = _version_of(python) if self.python else _own_version()
        packages = _packages(Device[self.device], version)
        plan = Plan(python, packages, _backend_wheel(), backend_choice.managed_root(), new_job_id()[:NAME_CHARACTERS], wheels)
        environment.check_room(plan)
        return plan


class IPOKE_OT_cancel_set_up(bpy.types.Operator):
    """Stop setting up the backend; nothing of it stays"""

    bl_idname = "ipoke.cancel_set_up"
    bl_label = "Cancel"
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """It must be going on."""
        working = running.installer().state.phase is SetupPhase.WORKING
        return holds(cls, working, "Nothing is being set up, or it ends already")

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Cancel it."""
        timer.set_up(setup.SetupCancelled())
        return {"FINISHED"}


class IPOKE_OT_use_environment(bpy.types.Operator):
    """Use an environment that has the backend already, such as one made with 'pip install ipoke'"""

    bl_idname = "ipoke.use_environment"
    bl_label = "Use an Environment"
    bl_options = {"REGISTER"}

    directory: StringProperty(name="Folder", description="The environment's folder", subtype="DIR_PATH", options={"SKIP_SAVE"})

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Ask for the folder."""
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Set the preference, if there is a backend."""
        folder = Path(bpy.path.abspath(self.directory))
        if not self.directory or find_backend(str(folder)) is None:
            self.report({"ERROR"}, f"There is no backend in {folder}; choose the folder of an environment with ipoke")
            return {"CANCELLED"}
        preferences.get().backend_path = str(folder)
        timer.dispatch(app.StopAsked())
        return {"FINISHED"}


def _packages(device: Device, version: str) -> PackageList:
    lists = environment.package_lists(backend_choice.PACKAGE_LISTS)
    return environment.chosen(lists, environment.this_system(), device, version)


def _source_label(packages: PackageList, wheels: str) -> str:
    if wheels:
        return wheels
    return "the Python Package Index" + (" and pytorch.org" if environment.torch_index(packages) else "")


def _own_version() -> str:
    return ".".join(platform.python_version_tuple()[:2])


def _version_of(python: Path) -> str:
    """Ask a Python for its version; raises `SetupError`."""
    command = [str(python), "-I", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PYTHON_LIMIT_S, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise SetupError(f"{python} is no Python that runs; name a program such as python3.11.") from error
    return done.stdout.strip()


def _backend_wheel() -> Path:
    """Return the backend's own wheel, which the built add-on brings; raises `SetupError`."""
    found = next(backend_choice.PACKAGE_LISTS.glob("ipoke-*.whl"), None)
    if found is None:
        raise SetupError("This add-on was not built with a backend; install the zip that build_addon.py makes.")
    return found


CLASSES = (IPOKE_OT_set_up_backend, IPOKE_OT_cancel_set_up, IPOKE_OT_use_environment)
