"""`python -m clickhouse_front FOLDER PORT`: prints its port when it answers, serves until its standard input ends."""

import os
import sys
import threading
from pathlib import Path

from clickhouse_front.http import FrontServer
from clickhouse_front.statements import Statements


def main() -> None:
    """Serve one folder."""
    folder, port = sys.argv[1:]
    server = FrontServer(("127.0.0.1", int(port)), Statements(Path(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()
    # Handlers that hang on command hold nothing up.
    os._exit(0)


if __name__ == "__main__":
    main()
