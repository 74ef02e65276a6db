"""Picks one of the installed models; hidden where there is no choice."""

from __future__ import annotations

from acetate.model.session import Session
from acetate.protocol.events import ModelInfo
from acetate.qt import QtWidgets


class ModelPicker(QtWidgets.QComboBox):
    def __init__(self, session: Session) -> None:
        super().__init__()
        self._model = session.settings.model
        self.setObjectName("acetate_model")
        self.setToolTip("The model that generates.")
        self.setSizePolicy(QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Fixed)
        self.setSizeAdjustPolicy(QtWidgets.QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(6)
        self.activated.connect(self._take)
        self._model.changed.connect(self._show)
        session.engine.models.bind(self._list)

    def _list(self, models: tuple[ModelInfo, ...]) -> None:
        self.clear()
        for model in models:
            self.addItem(model.title, model.name)
        self._show(self._model.value)

    def _show(self, name: str) -> None:
        self.setCurrentIndex(self.findData(name))

    def _take(self, index: int) -> None:
        self._model.value = self.itemData(index)
