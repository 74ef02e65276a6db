"""Acetate: generated transparent layers in a painter's document.

Imported by Krita it registers its docker and actions; imported by the engine (for `acetate.protocol`) it does nothing.
"""

try:
    import krita
except ImportError:  # the engine's Python
    pass
else:
    from acetate.ui.actions import AcetateActions
    from acetate.ui.dock import AcetateDock

    app = krita.Krita.instance()
    app.addDockWidgetFactory(
        krita.DockWidgetFactory("acetate_dock", krita.DockWidgetFactoryBase.DockRight, AcetateDock)
    )
    app.addExtension(AcetateActions(app))
