"""`python -m serve.plain_server STORE PORT`: the app by uvicorn alone, to know what Ray Serve adds.

Prints the time when its imports are done, as one line.
"""

from __future__ import annotations

import sys
import time

import uvicorn

from serve.http import make_app
from serve.settings import ServiceSettings

if __name__ == "__main__":
    settings = ServiceSettings(sys.argv[1], port=int(sys.argv[2]))
    sys.stdout.write(f"{time.time()}\n")
    sys.stdout.flush()
    uvicorn.run(make_app(settings), port=settings.port, log_level="error", access_log=False)
