"""What the tests share: small pictures with classes that can be learned, a small backbone, and a home of their own."""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from loose_plugins.tiny_backbone import build_tiny
from PIL import Image, ImageDraw

from autotl.interfaces import Backbone, Head

_HOME = "AUTOTL_TEST_HOME"
_PERSONAL = (
    "AUTOTL_WEIGHTS",
    "AUTOTL_PLUGINS",
    "AUTOTL_DISABLE_PLUGINS",
    "AUTOTL_ENGINE",
    "AUTOTL_SHARED",
    "AUTOTL_CACHE_LIMIT_GB",
    "AUTOTL_TRIAL_MEMORY_GB",
    "MLFLOW_TRACKING_URI",
    "KERAS_HOME",
)
_LONGEST = (
    "test_readme.py", "test_clip_runs.py", "test_joint_training.py", "test_debias_planted.py",
    "test_autoencode_digits.py", "test_endurance.py", "test_ray.py",
)  # fmt: skip
"""Files whose heavy tests take minutes."""
COLOURS = {"circle": (200, 60, 60), "square": (60, 160, 70), "stripes": (70, 80, 200)}


def pytest_configure(config: pytest.Config) -> None:
    """A home for the session, before any test module imports Keras, which writes into the home folder."""
    from autotl.runtime import keras_backend

    home = Path(tempfile.mkdtemp(prefix="autotl-tests-"))
    config.add_cleanup(lambda: shutil.rmtree(home, ignore_errors=True))
    os.environ[_HOME] = str(home)
    for name in _PERSONAL:
        os.environ.pop(name, None)
    for name, part in (("HOME", ""), ("USERPROFILE", ""), ("XDG_CONFIG_HOME", ".config"), ("XDG_CACHE_HOME", ".cache")):
        os.environ[name] = str(home / part)
    os.environ["AUTOTL_CACHE"] = str(home / "autotl-cache")
    keras_backend.prepare()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let heavy tests begin with the longest files: the last to begin is waited for with one processor idle."""
    if config.option.markexpr == "heavy":
        ranks = {name: rank for rank, name in enumerate(_LONGEST)}
        items.sort(key=lambda item: ranks.get(item.path.name, len(ranks)))


@pytest.fixture(scope="module", autouse=True)
def spared_from_collection() -> None:
    """Spare what earlier modules imported and made from garbage collection.

    Keras collects where a session is cleared, and Streamlit after every drawing of a page: to look through all of
    TensorFlow each time would take more time than most of these tests.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def one_process_draws_figures() -> Iterator[None]:
    """Let all reports of a session be drawn by one child: to start it takes longer than to draw."""
    from autotl.reports.figures import Drawer

    drawn = Drawer()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Drawer, "__init__", lambda drawer: vars(drawer).update(vars(drawn)))
        patch.setattr(Drawer, "close", lambda drawer: None)
        yield
    drawn.close()


@pytest.fixture(scope="session", autouse=True)
def one_look_at_the_version_of_the_tables() -> Iterator[None]:
    """Optuna runs all of its migration scripts several times for each database; which is the newest never changes."""
    from optuna.storages._rdb.storage import _VersionManager

    look, seen = _VersionManager.get_head_version, list[str]()

    def look_once(manager: _VersionManager) -> str:
        seen.extend([] if seen else [look(manager)])
        return seen[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_VersionManager, "get_head_version", look_once)
        yield


@pytest.fixture(autouse=True)
def isolated(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Path:
    """A home folder of its own for every test; the cache, which goes by content, is shared."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / ".cache"))
    monkeypatch.setenv("AUTOTL_CACHE", str(cache))
    for name in _PERSONAL:
        monkeypatch.delenv(name, raising=False)
    return home


@pytest.fixture(scope="session")
def cache() -> Path:
    """The feature cache of this session, also what AUTOTL_CACHE names."""
    return Path(os.environ[_HOME]) / "autotl-cache"


def draw(kind: str, rng: np.random.Generator, edge: int = 64) -> Image.Image:
    """One noisy picture of a class: a shape of its own in a colour of its own, at any place and size."""
    noise = rng.integers(90, 170, (edge, edge, 3), dtype=np.uint8)
    image = Image.fromarray(noise)
    pen = ImageDraw.Draw(image)
    colour = tuple(int(c) for c in np.clip(np.array(COLOURS[kind]) + rng.integers(-30, 31, 3), 0, 255))
    size = int(rng.integers(edge // 4, edge // 2))
    x, y = (int(v) for v in rng.integers(0, edge - size, 2))
    if kind == "circle":
        pen.ellipse((x, y, x + size, y + size), fill=colour)
    elif kind == "square":
        pen.rectangle((x, y, x + size, y + size), fill=colour)
    else:
        for offset in range(x % 8, edge, 8):
            pen.line((offset, y, offset, y + size), fill=colour, width=3)
    return image


MakeFolder = Callable[..., Path]


@pytest.fixture(scope="session")
def make_folder() -> MakeFolder:
    """Write a folder of folders: make_folder(root, circle=12, square=12, seed=0) -> root."""

    def make_folder(
        root: Path, *, seed: int = 0, edge: int = 64, names: dict[str, str] | None = None, **n: int
    ) -> Path:
        rng = np.random.default_rng(seed)
        for kind, count in n.items():
            folder = root / (names or {}).get(kind, kind)
            folder.mkdir(parents=True, exist_ok=True)
            for i in range(count):
                draw(kind, rng, edge).save(folder / f"{kind}-{seed}-{i:03d}.png")
        return root

    return make_folder


@pytest.fixture
def pets(tmp_path: Path, make_folder: MakeFolder) -> Path:
    """Six cats and five dogs, in a folder called pets that a test may change."""
    return make_folder(tmp_path / "pets", circle=6, square=5, edge=24, names={"circle": "cat", "square": "dog"})


@pytest.fixture(scope="session")
def shapes(tmp_path_factory: pytest.TempPathFactory, make_folder: MakeFolder) -> Path:
    """Three classes of shapes, 60 pictures; tests only read it."""
    return make_folder(tmp_path_factory.mktemp("data") / "shapes", circle=24, square=20, stripes=16)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A backbone that is built and read in no time."""
    from autotl.interfaces import Backbone

    weights = tmp_path_factory.mktemp("weights") / "tiny.weights"
    weights.write_bytes(b"tiny")
    return Backbone("tiny", build_tiny, lambda download: weights, ((32, 32), (48, 48)), embedded=True)


@pytest.fixture(scope="session")
def plugins(tiny: Any) -> Any:
    """Everything that is built in, without the tracker, and with the small backbone only."""
    from autotl.hookspecs import hookimpl
    from autotl.plugins import load_plugins

    class TinyBackbone:
        __name__ = "tiny-backbone"

        @hookimpl
        def register_backbones(self) -> list[Any]:
            return [tiny]

    loaded = load_plugins(disable=("mlflow", "keras-applications", "efficientnet-lite"), extra=[TinyBackbone()])
    assert not loaded.broken
    return loaded


@pytest.fixture(scope="session")
def shapes_dataset(shapes: Path) -> Any:
    """The shapes, scanned."""
    from scanning import scan

    return scan(shapes)


@pytest.fixture(scope="session")
def settings(cache: Path) -> Any:
    """The settings of this session: nothing but the cache."""
    from autotl.settings import Settings

    return Settings(cache=cache)


@pytest.fixture(scope="module")
def object_server() -> Iterator[Any]:
    """A server of S3, with the environment of its users."""
    from object_store import object_store

    with object_store() as store:
        yield store


@pytest.fixture(scope="session")
def postgres() -> Iterator[Any]:
    """A PostgreSQL server for the session."""
    from postgres import started_postgres

    with started_postgres() as server:
        yield server


@pytest.fixture
def make_context(tmp_path: Path, shapes: Path, shapes_dataset: Any, plugins: Any, cache: Path) -> Callable[..., Any]:
    """A run on the shapes, and what its trials share: make_context(objective="log_loss", seconds_left=lambda: 9)."""
    from autotl.data.split import split
    from autotl.runs.config import Config
    from autotl.runs.run import create
    from autotl.search.context import SearchContext, open_context
    from autotl.settings import Settings

    def make_context(
        *, seconds_left: Callable[[], float] = lambda: float("inf"), cache: Path = cache, **options: Any
    ) -> SearchContext:
        config = Config(data=shapes, run=tmp_path / "run", budget_seconds=None, trials=100)
        config = replace(config, **options)
        run = create(config, shapes_dataset, split(shapes_dataset, seed=config.seed))
        return open_context(run, plugins, settings=Settings(cache=cache), seconds_left=seconds_left)

    return make_context


@pytest.fixture
def context(make_context: Callable[..., Any]) -> Any:
    """What the trials of a run with the default configuration share."""
    return make_context()


@pytest.fixture
def events() -> Callable[..., Any]:
    """The events of one kind that a run has emitted: events(context, "message")."""
    import json

    def events(context: Any, kind: str) -> list[dict[str, Any]]:
        lines = (context.run.folder / "events.jsonl").read_text(encoding="utf-8").splitlines()
        return [event for event in map(json.loads, lines) if event["event"] == kind]

    return events


@pytest.fixture
def candidate(plugins: Any) -> Callable[..., Any]:
    """One of a probe: candidate("logistic", stage="top"); with training=Training(...) of a fine-tune trial."""
    from autotl.trial import FINE_TUNE, PROBE, Candidate, Reading

    def candidate(
        head: str = "logistic", stage: str = "joined", pooling: str = "avg+max", *, size: Any = (32, 32),
        training: Any = None,
    ) -> Candidate:  # fmt: skip
        reading = Reading("tiny", size, stage, pooling)
        strategy = FINE_TUNE if training else PROBE
        backbone, chosen = plugins.all(Backbone)["tiny"], plugins.all(Head)[head]
        return Candidate(strategy, backbone, reading, chosen, training)

    return candidate


@pytest.fixture
def attempt(context: Any, candidate: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """attempt(head="dense", stage="top"): runs a trial of `context`, fine-tuned briefly, and gives its record."""
    from finished_trials import run_candidate

    from autotl.training import fine_tuning
    from autotl.trial import FINE_TUNE, PROBE, Training

    monkeypatch.setattr(fine_tuning, "MAX_EPOCHS", 2)

    def attempt(
        head: str = "logistic", stage: str = "joined", pooling: str = "avg+max", strategy: str = PROBE, number: int = 0
    ) -> Any:
        training = Training(1, 1e-3, 1e-4, augment=False) if strategy == FINE_TUNE else None
        return run_candidate(context, candidate(head, stage, pooling, training=training), number)

    return attempt


@pytest.fixture(scope="session")
def toy_dataset() -> Callable[..., Any]:
    """A dataset without files: toy_dataset(labels=["a", "b"], group=["1", ""], pairs=[(0, 1, 0.9)])."""
    import pandas as pd

    from autotl.data.dataset import Dataset
    from autotl.modality import PAIR_COLUMNS

    def toy_dataset(labels: list[str], pairs: Sequence[tuple[int, int, float]] = (), **columns: list[str]) -> Dataset:
        n = len(labels)
        table = pd.DataFrame(
            {
                "path": [f"{label}/{i}.png" for i, label in enumerate(labels)],
                "label": labels,
                "sha256": [f"{i:064x}" for i in range(n)],
                "label_given": labels,
                "given_split": "",
                "n_bytes": 1000,
                "format": "PNG",
                "mode": "RGB",
                "width": 64,
                "height": 64,
                "frames": 1,
                "group": "",
                "quarantine": "",
            }
        )
        rows = [(first, second, similarity, False) for first, second, similarity in pairs]
        alike = pd.DataFrame(rows, columns=list(PAIR_COLUMNS)).astype(PAIR_COLUMNS)
        return Dataset(Path("toy"), table.assign(**columns), pairs=alike)

    return toy_dataset
