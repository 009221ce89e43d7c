"""A Redis of one test's own on a unix socket, to be flushed, killed and started again."""

import contextlib
import subprocess

import redis

from worker.embedded import find_redis, redis_arguments, socket_url, wait_for_redis
from worker.up import private_folder


class OwnRedis:
    """`url` is its address, `client` talks to it."""

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self.folder = stack.enter_context(private_folder())
            self.url = socket_url(self.folder)
            self.client = stack.enter_context(redis.Redis(unix_socket_path=str(self.folder / "redis.sock")))
            self.start()
            stack.callback(self.kill)
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self.stack.close()

    def start(self):
        self.process = subprocess.Popen(redis_arguments(find_redis(), self.folder), stdout=subprocess.DEVNULL)
        wait_for_redis(self.folder, dead=lambda: self.process.poll() is not None)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def listeners(self):
        """How many connections wait in a BRPOP: the workers that consume."""
        return sum(one["cmd"] == "brpop" for one in self.client.client_list())
