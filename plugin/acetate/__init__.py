"""Acetate: generated transparent layers in a painter's document.

Imported by Krita it registers its docker and actions; imported by the engine (for `acetate.protocol`) it does nothing.
"""

from __future__ import annotations

import sys

try:
    from krita import DockWidgetFactory, DockWidgetFactoryBase, Krita
except ImportError:  # the engine's Python
    pass
else:
    from acetate import language
    from acetate.krita.locale import languages
    from acetate.session.preferences import Preferences
    from acetate.ui.actions import AcetateActions
    from acetate.ui.dock import AcetateDock

    sys.setswitchinterval(0.0005)  # seconds that Krita's GUI thread waits for a thread of ours; Python's own are 5 ms
    language.use(Preferences().language.value or language.best(languages()))
    app = Krita.instance()
    right = DockWidgetFactoryBase.DockPosition.DockRight
    app.addDockWidgetFactory(DockWidgetFactory("acetate_dock", right, AcetateDock))
    app.addExtension(AcetateActions(app))
