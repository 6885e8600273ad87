# Receives signed webhooks of a box on this machine, until Ctrl-C.   python examples/06_webhook_receiver.py
from http.server import BaseHTTPRequestHandler, HTTPServer

from flexclient import FlexClient
from flexclient.webhooks import VerificationError, verify


class Receiver(BaseHTTPRequestHandler):
    secret: str

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            message = verify(body, dict(self.headers), self.secret)
        except VerificationError as error:
            self.send_error(401, str(error))
            return
        self.send_response(204)  # within five seconds; what takes longer is done afterwards
        self.end_headers()
        print(message.type, message.data.get("id", ""), flush=True)


with HTTPServer(("127.0.0.1", 0), Receiver) as server, FlexClient() as client:
    client.settings.update({"webhook_allowed_networks": ["127.0.0.0/8"]})
    address = f"http://127.0.0.1:{server.server_port}/"
    hook = client.webhooks.create({"url": address, "events": ["pipeline.started", "pipeline.stopped"]})
    Receiver.secret = hook.secret.get_secret_value() if hook.secret else ""
    print(f"Listening at {address}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        client.webhooks.delete(hook.id)
