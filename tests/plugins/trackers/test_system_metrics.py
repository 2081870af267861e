"""What a machine was doing while a trial ran."""

from __future__ import annotations

import subprocess
import sys
import time

from autotl_plugins.trackers.system_metrics import MetricsSampler


def test_the_sampler_tells_short_trials_and_long_ones_apart() -> None:
    sampler = MetricsSampler(family=False)
    for second in range(10):
        values = {"process_memory_megabytes": 100.0 + second, "cpu_utilization_percentage": float(second)}
        sampler._samples.append((float(second), values))
    assert sampler.window(2.0, 4.0) == {
        "system/process_memory_megabytes": 106.0,
        "system/cpu_utilization_percentage": 4.0,
    }
    assert sampler.window(4.4, 0.1)["system/cpu_utilization_percentage"] == 4
    assert sampler.window(100.0, 1.0) == {}


def test_the_child_processes_memory_counts_where_trials_run_in_them() -> None:
    samplers = [MetricsSampler(family=family) for family in (False, True)]
    code = "x = bytearray(200_000_000); print(1, flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        child.stdout.readline()
        for sampler in samplers:
            sampler.start()
        time.sleep(1.5)
        alone, family = (s.window(time.time() - 2, 2)["system/process_memory_megabytes"] for s in samplers)
        for sampler in samplers:
            sampler.stop()
        child.communicate(b"\n")
    assert family - alone > 150
