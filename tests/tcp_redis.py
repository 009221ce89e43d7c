"""A Redis for the tests on a port of loopback that asks for a password, as one apart does."""

import pathlib
import shutil
import subprocess
import tempfile
import time

import redis

from worker.embedded import find_redis, redis_arguments
from worker.up import choose_port


class TcpRedis:
    """`url` holds the password, which no command line shows: the server reads it from its standard input."""

    def __init__(self, password):
        self.password = password

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="wwredis-", dir="/tmp"))
        self.port = choose_port(0)
        self.url = f"redis://:{self.password}@127.0.0.1:{self.port}/0"
        self.client = redis.Redis.from_url(self.url, socket_timeout=5)
        self.start()
        return self

    def __exit__(self, *_):
        self.kill()
        self.client.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self):
        binary, *options = redis_arguments(find_redis(), self.folder)
        argv = [binary, "-", *options, "--port", str(self.port), "--bind", "127.0.0.1"]
        self.server = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        self.server.stdin.write(f"requirepass {self.password}\n".encode())
        self.server.stdin.close()
        until = time.monotonic() + 10
        while True:
            try:
                return self.client.ping()
            except redis.ConnectionError:
                assert time.monotonic() < until and self.server.poll() is None, "Redis did not start"
                time.sleep(0.02)

    def kill(self):
        self.server.kill()
        self.server.wait()

    def listeners(self):
        """How many connections wait for a message right now: one for each worker that consumes."""
        return self.client.info("clients")["blocked_clients"]
