"""Acetate: generated transparent layers in a painter's document.

Imported by Krita it registers its docker; imported by the engine (for `acetate.protocol`) it does nothing.
"""

try:
    import krita
except ImportError:  # the engine's Python
    pass
else:
    from acetate.ui.dock import AcetateDock

    krita.Krita.instance().addDockWidgetFactory(
        krita.DockWidgetFactory("acetate_dock", krita.DockWidgetFactoryBase.DockRight, AcetateDock)
    )
