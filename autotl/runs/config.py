"""The configuration of a run: what the user asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from autotl.data.listing import TABLE_SUFFIXES
from autotl.errors import ConfigError
from autotl.runs.limits import DEFAULT_BUDGET_SECONDS, MAX_SEED, MIN_BUDGET_SECONDS
from autotl.runtime.addresses import absolute_address, hide_secrets
from autotl.runtime.remote_folder import require_url
from autotl.runtime.user_paths import expand_home, split_names
from autotl.runtime.wording import listed
from autotl.targets import CLASSES, DEFAULT_OBJECTIVES, KINDS, ORDERED

PROBE, FINE_TUNE = "probe", "fine-tune"
STRATEGIES = ("auto", PROBE, FINE_TUNE)
MAJORITY, ENSEMBLE, JOINT_FINE_TUNE, FRAME_VOTE = "majority", "ensemble", "joint-fine-tune", "frame-vote"
"""Strategies of rows that are not trials of a search: the most frequent class as every answer, a weighted mean of
probes, one network of several targets, and of clips a vote of their frames."""
BASELINES = (MAJORITY, FRAME_VOTE)
"""Of these, what others are compared with and what is never chosen."""
LOCAL = "local"
"""The executor that is used where none is named: processes on this machine."""
_PATHS = ("data", "run", "attributes", "patch", "refit")
_ADDRESSES = ("storage", "tracking_uri")
_NAMES = ("backbones", "heads", "targets", "kinds", "classes", "disable_plugins", "audit", "order", "crops")


@dataclass(frozen=True)
class Config:
    """What the user asked for. Paths are absolute, so that they lead to the same place from anywhere.

    budget_seconds: wall-clock seconds for everything, None for no limit; trials: number of trials, None for no limit.
    backbones, heads: names, empty for all that are worth trying.
    min_per_class: classes with fewer usable items are left out.
    classes: names of the folders that are the classes, empty if the layout tells them. text, image: the columns of a
    table that give texts and images, see `data.source.open_source`. target: the kind of what is learned, see
    `autotl.targets`; the objective is that kind's own where it is empty. order: of ordered classes, from low to high,
    empty if their names tell it; of several targets, of those whose classes it names. targets: columns of labels, each
    a target of its own, in place of label; empty for one target. kinds: of these targets, in their order.
    refit: the run whose champion is fitted again, without a search. audit: attributes whose groups are compared, empty
    for all suitable ones. max_gap: the largest tolerated gap in error or recall between groups, None for no limit.
    joint: whether one network is trained for all targets, beside those of each. workers: processes that run trials, the
    leading one among them. executor: what starts the others, and after a colon what it is told, as "command:srun -n1".
    crops: names of what cuts images, "none" for whole images; empty for whole images and what every search tries.
    share: the URL where workers on other machines find the run, None if it stays in its folder.
    """

    data: Path
    run: Path
    budget_seconds: float | None = DEFAULT_BUDGET_SECONDS
    trials: int | None = None
    objective: str = ""
    strategy: str = "auto"
    backbones: tuple[str, ...] = ()
    heads: tuple[str, ...] = ()
    label: str | None = None
    text: str | None = None
    image: str | None = None
    target: str = CLASSES
    order: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    groups: str | None = None
    attributes: Path | None = None
    patch: Path | None = None
    mirrored: bool = False
    min_per_class: int | None = None
    seed: int = 0
    workers: int = 1
    executor: str = LOCAL
    sampler: str = "tpe"
    storage: str | None = None
    share: str | None = None
    tracking_uri: str | None = None
    register: str | None = None
    disable_plugins: tuple[str, ...] = ()
    refit: Path | None = None
    audit: tuple[str, ...] = ()
    max_gap: float | None = None
    joint: bool = False
    crops: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self._make_absolute()
        kinds = split_names(self.target) if "," in (self.label or "") else (self.target,)
        if unknown := [kind for kind in kinds if kind not in KINDS]:
            raise ConfigError(f"unknown kind of target {unknown[0]!r}; choose one of {', '.join(KINDS)}")
        self._require_order(self.kinds or kinds)
        if not self.objective:
            object.__setattr__(self, "objective", DEFAULT_OBJECTIVES[kinds[0]])
        if self.strategy not in STRATEGIES:
            raise ConfigError(f"unknown strategy {self.strategy!r}; choose one of {', '.join(STRATEGIES)}")
        if self.budget_seconds is not None and not self.budget_seconds >= MIN_BUDGET_SECONDS:
            raise ConfigError(
                f"a budget of {self.budget_seconds:g}s cannot be kept and leaves no time for a search: starting, the "
                "untuned default and its export alone take about 20s; give at least 30s"
            )
        if self.budget_seconds is None and self.trials is None:
            raise ConfigError("neither a budget nor a number of trials was given, so the search would never end")
        if self.trials is not None and self.trials < 1:
            raise ConfigError(f"{self.trials} trials were asked for; at least 1 is needed")
        if self.min_per_class is not None and self.min_per_class < 1:
            raise ConfigError(f"min_per_class is {self.min_per_class}; give the items that each class needs, from 4")
        if self.share:
            require_url(self.share)
            if not self.storage:
                raise ConfigError(
                    f"the run is to be shared at {self.share}, but its trials would be kept in a file of the run "
                    "folder, which workers elsewhere do not reach; give a database with --storage, such as "
                    "postgresql+pg8000://USER@HOST/DATABASE"
                )
        if self.workers < 1:
            raise ConfigError(f"{self.workers} workers were asked for; at least 1 is needed")
        if self.max_gap is not None and not 0 < self.max_gap < 1:
            raise ConfigError(
                f"the largest tolerated gap is {self.max_gap:g}; give a share between 0 and 1, such as 0.1 for 10 "
                "points"
            )
        if not 0 <= self.seed <= MAX_SEED:
            raise ConfigError(f"the seed is {self.seed}; it must be a whole number from 0 to {MAX_SEED}")

    def _require_order(self, kinds: tuple[str, ...]) -> None:
        if not self.order:
            return
        if ORDERED not in kinds:
            raise ConfigError(
                f"an order of classes was given ({listed(self.order)}), and the target is {kinds[0]!r}, which has no "
                "order; add --target ordered, or leave --order out"
            )
        if twice := [name for name in self.order if self.order.count(name) > 1]:
            raise ConfigError(f"the order names the class {twice[0]!r} twice; name each class once, from low to high")
        if len(self.order) < 2:
            raise ConfigError(f"the order names one class ({self.order[0]!r}); name all classes, from low to high")

    def _make_absolute(self) -> None:
        """Make every path absolute, also those within an address or a text."""
        for name in _PATHS:
            if (path := getattr(self, name)) is not None:
                object.__setattr__(self, name, expand_home(path).absolute())
        if self.groups and Path(self.groups).suffix.lower() in TABLE_SUFFIXES:
            object.__setattr__(self, "groups", str(expand_home(self.groups).absolute()))
        for name in _ADDRESSES:
            if address := getattr(self, name):
                object.__setattr__(self, name, absolute_address(address))

    @property
    def executor_and_option(self) -> tuple[str, str]:
        """The name of the executor, and what the user wrote for it after a colon."""
        name, _, option = self.executor.partition(":")
        return name.strip(), option.strip()

    @property
    def workers_here(self) -> int:
        """Processes of the run that share this machine, as far as is known."""
        return self.workers if self.executor_and_option[0] == LOCAL else 1

    def counts(self, strategy: str, head: str) -> bool:
        """Whether a trial, however it ended, is one of the number that was asked for."""
        return strategy in (PROBE, FINE_TUNE) and self.asks_for(strategy, head)

    def asks_for(self, strategy: str, head: str) -> bool:
        """Whether a trial is one of those asked for; the untuned default, which is always run, may be none of them."""
        if self.refit:
            return True
        return (not self.heads or head in self.heads) and self.strategy in ("auto", strategy)

    def to_json(self) -> dict[str, object]:
        """Plain values; addresses without their secrets."""
        plain = {k: str(v) if isinstance(v, Path) else v for k, v in asdict(self).items()}
        return plain | {k: hide_secrets(str(plain[k])) for k in _ADDRESSES if plain[k]}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Config:
        """The inverse of `to_json`."""
        paths = {k: Path(values[k]) for k in _PATHS if values.get(k)}
        names = {k: tuple(values.get(k) or ()) for k in _NAMES}
        return cls(**{**values, **paths, **names})
