import os
import signal
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from store import Store


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        entries = Store().command("LRANGE", "entries", "0", "-1")
        self.reply(b"\n".join([os.environ["GREETING"].encode()] + entries) + b"\n")

    def do_POST(self):
        Store().command("RPUSH", "written", self.rfile.read(int(self.headers["Content-Length"])))
        self.reply(b"thank you\n")

    def reply(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


port = int(os.environ.get("PORT", "8000"))
print(f"listening on port {port}")
server = HTTPServer(("", port), Handler)
# The first process of a container ends by SIGTERM only if it says so. It finishes the answer that it is giving.
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
server.serve_forever()
