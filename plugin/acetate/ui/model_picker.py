"""Picks one of the installed models; hidden where there is no choice."""

from __future__ import annotations

from acetate.language import tr
from acetate.session.session import Session
from acetate.ui.names import NamePicker


class ModelPicker(NamePicker):
    def __init__(self, session: Session) -> None:
        super().__init__(session.settings.model)
        self.setObjectName("acetate_model")
        self.setToolTip(tr("The model that generates."))
        session.engine.models.bind(lambda models: self.offer([(model.name, model.title) for model in models]))
