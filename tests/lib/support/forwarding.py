"""A second address of the same array: a connection to it is forwarded to another port."""

import contextlib
import socket
import threading
from typing import Self


class Way:
    """Leads from (address, port) to a target for as long as it is open. Closing it cuts whatever goes through."""

    def __init__(self, address: str, port: int, target: tuple[str, int]) -> None:
        self.used = 0
        self._target = target
        self._listener = socket.create_server((address, port))
        self._ends: list[socket.socket] = []
        self._thread = threading.Thread(target=self._lead, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        for end in (self._listener, *self._ends):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self._thread.join()

    def _lead(self) -> None:
        while True:
            try:
                here, _ = self._listener.accept()
            except OSError:
                return
            there = socket.create_connection(self._target)
            self.used += 1
            self._ends += [here, there]
            for one, other in ((here, there), (there, here)):
                threading.Thread(target=_pump, args=(one, other), daemon=True).start()


def _pump(one: socket.socket, other: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := one.recv(2**16):
            other.sendall(data)
    with contextlib.suppress(OSError):
        other.shutdown(socket.SHUT_RDWR)
