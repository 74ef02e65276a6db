"""Installing, repairing and removing the engine, as the docker shows it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from acetate.client import another_engine, torch_builds
from acetate.client.installation import Release, State, engine_folder, is_ours, state, uninstall
from acetate.client.installer import Installer
from acetate.client.torch_builds import TorchBuild
from acetate.coroutines import Loop
from acetate.protocol.errors import AcetateError, InstallationCancelled
from acetate.session.messages import Message, Notice, unexpected
from acetate.session.observable import Observable

DONE = Notice("The engine is installed", "Press Generate: it starts by itself.")
REMOVED = Notice("The engine is removed", "Your models, pictures and settings are still there.")
IN_USE = Notice("Another engine is used", "Press Generate: it is asked from now on.")
MEASURE = 1e6  # bytes a megabyte


@dataclass(frozen=True)
class InstallationState:
    """What an installation under way has to show."""

    step: str
    fraction: float  # 0..1, of the steps
    megabytes: int  # written to the disk since it began, by whatever program
    log: str


class Installing:
    """On the GUI thread; what blocks goes to threads. `stop_engine` blocks, and ends the engine to be replaced."""

    def __init__(self, loop: Loop, stop_engine: Callable[[], None]) -> None:
        self.state = Observable(State.READY)
        self.is_busy = Observable(False)
        self.message: Observable[Message] = Observable(None)
        self.builds = torch_builds.possible()
        self.best: Observable[TorchBuild | None] = Observable(None)  # once the hardware has been looked at
        self._loop = loop
        self._stop_engine = stop_engine
        self._installer: Installer | None = None
        self._free = 0
        self.look()

    def look(self) -> None:
        """Whether there is an engine, or another one is to be used; quick."""
        self.state.value = State.READY if another_engine.read() else state()

    def look_at_hardware(self) -> None:
        async def look() -> None:
            found = await self._loop.thread(torch_builds.hardware)
            self.best.value = torch_builds.best(self.builds, found) if self.builds else None

        if self.best.value is None:
            self._loop.run(look())

    @property
    def is_carried(self) -> bool:
        """Whether an engine came with the plugin, to be installed."""
        return Release.carried().is_there

    @property
    def can_be_removed(self) -> bool:
        return is_ours()

    def install(self, build: TorchBuild, wheels: Path | None) -> None:
        """Installs, goes on, repairs or upgrades: what is whole already is not downloaded again."""
        installer = self._installer = Installer(build, wheels)
        folder = engine_folder()
        self._free = shutil.disk_usage(next(each for each in (folder, *folder.parents) if each.exists())).free

        def work() -> None:
            self._stop_engine()
            installer.run()
            another_engine.forget()

        self._begin(work, DONE)

    def cancel(self) -> None:
        if self._installer is not None:
            self._installer.cancel()

    def remove(self) -> None:
        def work() -> None:
            self._stop_engine()
            uninstall()

        self._begin(work, REMOVED)

    def use_another(self, address: str, token: str) -> None:
        """One that runs already; it is asked whether it is there."""
        self._begin(lambda: another_engine.use(address, token), IN_USE)

    def shown(self) -> InstallationState:
        if self._installer is None:
            return InstallationState("", 0.0, 0, "")
        progress = self._installer.progress
        folder = engine_folder()
        written = self._free - shutil.disk_usage(folder).free if folder.exists() else 0
        return InstallationState(
            progress.step, progress.number / progress.of, max(0, int(written / MEASURE)), self._installer.log_tail()
        )

    def _begin(self, work: Callable[[], object], done: Notice) -> None:
        if not self.is_busy.value:
            self.message.value = None
            self.is_busy.value = True
            self._loop.run(self._do(work, done))

    async def _do(self, work: Callable[[], object], done: Notice) -> None:
        message: Message = done
        try:
            await self._loop.thread(work)
        except InstallationCancelled as error:
            message = Notice(error.title, error.remedy)
        except AcetateError as error:
            message = error
        except Exception as error:  # noqa: BLE001  # a bug, told to the painter: the page must not stay busy for ever
            message = unexpected(error)
        self.is_busy.value = False
        self.look()
        self.message.value = message
