"""The driver's socket and the execution of what comes through it."""

from __future__ import annotations

import ast
import faulthandler
import json
import os
import signal
import sys
import threading
import traceback
import warnings
from types import TracebackType
from typing import Any

from krita import Extension, Krita, Window

from acetate_driver import tools
from acetate_driver.binding import QtCore, QtNetwork

uncaught = []


class DriverExtension(Extension):
    def setup(self) -> None:
        _report_uncaught()
        warnings.filterwarnings("error", module=r"acetate(\.|$)")  # the plugin's own: they fail the test, as elsewhere
        faulthandler.enable()  # a Krita that crashes says in which Python call
        faulthandler.register(signal.SIGUSR1, all_threads=True)  # where a Krita that hangs, hangs: into its log
        Krita.instance().setBatchmode(True)
        self.server = Server(os.environ["ACETATE_DRIVER_SOCKET"])

    def createActions(self, window: Window) -> None:
        # Krita installs its own hook, which opens a modal dialog, at some point of its start
        QtCore.QTimer.singleShot(0, _report_uncaught)


def _report_uncaught() -> None:
    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        uncaught.append("".join(traceback.format_exception(kind, error, trace)))

    sys.excepthook = hook
    threading.excepthook = lambda arguments: hook(arguments.exc_type, arguments.exc_value, arguments.exc_traceback)


class Server(QtCore.QObject):
    """Several clients at once: a second one is answered from the nested event loop of a modal dialog."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.buffers = {}
        self.server = QtNetwork.QLocalServer(self)
        self.server.newConnection.connect(self.accept)
        if not self.server.listen(path):
            raise OSError(f"the driver cannot listen on {path}: {self.server.errorString()}")

    def accept(self) -> None:
        socket = self.server.nextPendingConnection()
        self.buffers[socket] = b""
        socket.readyRead.connect(lambda: self.read(socket))
        socket.disconnected.connect(lambda: self.buffers.pop(socket, None))

    def read(self, socket: Any) -> None:
        *lines, self.buffers[socket] = (self.buffers[socket] + bytes(socket.readAll())).split(b"\n")
        for line in lines:
            socket.write(json.dumps(answer(json.loads(line))).encode() + b"\n")
            socket.flush()


def answer(request: dict[str, Any]) -> dict[str, Any]:
    try:
        result = {"value": execute(request["code"], request.get("arguments", {}))}
        json.dumps(result)
    except BaseException:  # noqa: BLE001  # the test that sent the code reads the traceback
        result = {"error": traceback.format_exc()}
    result["uncaught"] = uncaught[:]
    uncaught.clear()
    return result


def execute(code: str, arguments: dict[str, Any]) -> object:
    """Runs the statements; the value is that of the last one where it is an expression."""
    names = {**tools.names(), **arguments}
    tree = ast.parse(code)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "<test>", "exec"), names)
    return eval(compile(ast.Expression(last.value), "<test>", "eval"), names) if last else None
