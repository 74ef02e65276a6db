"""A Krita plugin for tests only: runs code on the GUI thread for whoever holds its local socket.

Inert unless ACETATE_DRIVER_SOCKET names the socket. One JSON object a line each way:
{"code": ..., "arguments": {...}} is answered by {"value": ...} or {"error": traceback}, and
"uncaught" lists the exceptions that nothing caught since the last answer.
"""

from __future__ import annotations

import os

if os.environ.get("ACETATE_DRIVER_SOCKET"):
    from krita import Krita

    from acetate_driver.server import DriverExtension

    Krita.instance().addExtension(DriverExtension(Krita.instance()))
