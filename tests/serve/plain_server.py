"""`python -m tests.serve.plain_server STORE PORT`: the app by uvicorn alone; prints the time when imports are done."""

from __future__ import annotations

import sys
import time

import uvicorn

from serve.http import make_app
from serve.settings import ServiceSettings

if __name__ == "__main__":
    settings = ServiceSettings(sys.argv[1], port=int(sys.argv[2]))
    print(time.time(), flush=True)
    uvicorn.run(make_app(settings), port=settings.port, log_level="error", access_log=False)
