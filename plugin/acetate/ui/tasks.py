"""The list of tasks: an icon of Krita's own and the name of each; what comes of it is told by a resting pointer."""

from __future__ import annotations

from collections.abc import Mapping

from krita import Krita

from acetate.language import tr
from acetate.protocol.labels import label_of
from acetate.protocol.tasks import TASKS, Task
from acetate.qt import QtCore, QtGui
from acetate.session.session import Session
from acetate.ui.binding import named
from acetate.ui.choice import Choice
from acetate.ui.plain import plain_tip

ICONS: Mapping[Task, str] = {  # names in Krita's icon set, in each of which it is drawn for dark and for light themes
    Task.FOREGROUND: "addlayer",
    Task.FOREGROUND_ON_BACKGROUND: "object-order-raise-calligra",
    Task.BACKGROUND_BEHIND_FOREGROUND: "object-order-lower-calligra",
    Task.JOINT: "duplicatelayer",
    Task.BLEND: "merge-layer-below",
    Task.REFINE: "document-edit",
    Task.INPAINT: "krita_tool_enclose_and_fill",
    Task.EXTRACT: "edit-cut",
    Task.SELECT: "tool_contiguous_selection",
    Task.REMOVE: "krita_tool_smart_patch",
    Task.DECOMPOSE: "split-layer",
    Task.EXPAND: "transform_icons_liquify_resize",
    Task.CONTACT_SHADOW: "object-align-vertical-bottom-calligra",
    Task.CAST_SHADOW: "transform_icons_perspective",
    Task.REFLECTION: "transform_icons_mirror_y",
    Task.MATCH_LIGHT: "wheel-light",
    Task.UPSCALE: "zoom-in",
    Task.STACK: "all-layers",
}


def icon_of(task: Task) -> QtGui.QIcon:
    return Krita.instance().icon(ICONS[task])


class TaskChoice(Choice[Task]):
    """Those that are offered. Grey: the model cannot do that."""

    def __init__(self, session: Session) -> None:
        offered = [task for task, traits in TASKS.items() if traits.is_offered]
        super().__init__(session.settings.task, [(task, label_of(task)) for task in offered])
        named(self, "acetate_task")
        self.setAccessibleName(tr("What to make"))
        self._told = {task: tr(task.traits.description) for task in Task}
        self._grey = tr("Grey in the list: the model cannot do that.")
        for index, task in enumerate(offered):
            self.setItemIcon(index, icon_of(task))
            self.setItemData(index, plain_tip(self._told[task]), QtCore.Qt.ItemDataRole.ToolTipRole)
        session.settings.task.bind(self._describe)
        without_model = tuple(task for task in Task if not task.needs_model)
        session.model.bind(lambda model: self.enable_only((*model.tasks, *without_model) if model else tuple(Task)))

    def _describe(self, task: Task) -> None:
        """A screen reader tells the same of the chosen one."""
        self.setAccessibleDescription(self._told[task])
        self.setToolTip(plain_tip(f"{self._told[task]}\n{self._grey}"))
