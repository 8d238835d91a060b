"""Each trial by a command of its own, as the queue of a computing centre would run it (2026)."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from bench.executors import Executor, register


@register("commands")
class Commands(Executor):
    """Trials as commands of this machine."""

    def run(self, folders, workers, stopping):
        with ThreadPoolExecutor(workers) as threads:
            list(threads.map(lambda folder: self.train(folder, stopping), folders))

    def train(self, folder, stopping):
        if stopping():
            return
        command = [sys.executable, "-m", "bench.executors.worker", str(folder)]
        with subprocess.Popen(command) as worker:
            while worker.poll() is None:
                if stopping():
                    worker.terminate()  # at the end of its step
                with suppress(subprocess.TimeoutExpired):
                    worker.wait(timeout=0.5)
