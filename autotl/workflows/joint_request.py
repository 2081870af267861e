"""The joint fine-tune that a study of several targets may ask for: what is refused before any work, and one attempt."""

from __future__ import annotations

import shutil
from dataclasses import replace

from autotl.errors import AutoTLError, ConfigError, OutOfTimeError, in_one_line
from autotl.interfaces import Head
from autotl.plugins import Plugins
from autotl.runs.config import Config
from autotl.runs.events import Message
from autotl.runs.joint_result import JOINT, JointResult
from autotl.runs.run import Run
from autotl.runtime import keras_backend
from autotl.runtime.addresses import without_secrets
from autotl.runtime.clock import Clock
from autotl.settings import Settings
from autotl.targets import CLASSES, ORDERED


def require_several(config: Config) -> None:
    """Raise ConfigError if one network was asked for several targets, and there is one target."""
    if config.joint:
        raise ConfigError(
            f"--joint trains one network for several targets, and --label names one column ({config.label or 'none'}); "
            "name several, such as --label garment,season, or leave out --joint"
        )


def require_joint(config: Config, plugins: Plugins) -> None:
    """Raise ConfigError if the targets, or the heads that were asked for, cannot have one network."""
    if not config.joint:
        return
    for name, kind in zip(config.targets, config.kinds, strict=True):
        if kind not in (CLASSES, ORDERED):
            raise ConfigError(
                f"--joint trains one network for targets of classes, and the target {name!r} is of the kind {kind!r}; "
                "leave out --joint, or this target"
            )
    if config.heads and not _tunable(config, plugins):
        raise ConfigError(
            f"--joint sets a head for each target on a network, and none of {', '.join(config.heads)} can sit on one; "
            "add one to --heads that can, such as logistic, or leave out --joint"
        )


def _tunable(config: Config, plugins: Plugins) -> bool:
    """Whether one of the heads that were asked for can sit on a network."""
    keras_backend.prepare()
    from autotl.search.remote_heads import HeadProcesses

    processes = HeadProcesses(plugins, budget_seconds=config.budget_seconds)
    try:
        return any(processes.traits(plugins.pick(Head, name)).tunable for name in config.heads)
    finally:
        processes.close()


def joint_waits(whole: Run) -> bool:
    """Whether a joint fine-tune was asked for and is not complete."""
    return whole.config.joint and (whole.state().get(JOINT) or {}).get("status") != "complete"


def attempt_jointly(
    whole: Run, plugins: Plugins, settings: Settings, clock: Clock, *, reserved: float, conclude: bool
) -> bool:  # fmt: skip
    """Train jointly and keep what was found, or why not, in run.json; returns whether it was interrupted.

    The arguments are those of `joint_training.train_jointly`. No failure affects the targets' own results.
    """
    from autotl.search.network_training import PIXELS
    from autotl.workflows.joint_training import train_jointly

    try:
        found = train_jointly(whole, plugins, settings, clock, reserved=reserved, conclude=conclude)
    except KeyboardInterrupt:
        found = JointResult("interrupted", "it was interrupted")
    except OutOfTimeError as error:
        found = JointResult("not tried", str(error))
    except Exception as error:
        kind = "" if isinstance(error, AutoTLError) else f"{type(error).__name__}: "
        found = JointResult("failed", without_secrets(f"{kind}{in_one_line(error)}"))
    known = whole.state().get(JOINT) or {}
    found = replace(found, seconds=max(found.seconds, float(known.get("seconds") or 0.0)))
    whole.update(**{JOINT: {**known, **found.to_json()}}, spent_seconds=clock.spent())
    if found.why:
        whole.emit(Message(f"joint training: {found.status}: {found.why}"))
    if found.status in ("complete", "not tried"):
        shutil.rmtree(whole.folder / PIXELS, ignore_errors=True)
    return found.status == "interrupted"
