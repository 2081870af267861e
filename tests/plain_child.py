"""A process without frameworks, for tests of what watches it: it maps files, takes memory, asks, and sleeps."""

from __future__ import annotations

import time

import numpy as np

from autotl.runtime.guarded_process import serve


def main():
    serve(_start)


def _start(ask):
    held = []

    def handle(body, arrays):
        if body["do"] == "map":
            held.append(np.load(body["file"], mmap_mode="r"))
            return {"sum": int(held[-1].sum())}, ()
        if body["do"] == "take":
            held.append(np.ones(body["bytes"], np.uint8))
        if body["do"] == "ask":
            return ask({"asked": body["do"]}), ()
        if body["do"] == "sleep":
            time.sleep(600)
        return {"did": body["do"]}, arrays

    return handle
