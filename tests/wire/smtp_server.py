"""A real SMTP server on a free port of this machine."""

from __future__ import annotations

from aiosmtpd.controller import Controller


class SmtpServer(Controller):
    """aiosmtpd's controller, told its port by the operating system."""

    def __init__(self, handler, **options):
        super().__init__(handler, hostname="127.0.0.1", port=0, **options)

    def _trigger_server(self):
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()
