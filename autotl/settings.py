"""Settings that hold for every run: environment variables first, then the config file, then the defaults."""

from __future__ import annotations

import difflib
import importlib.util
import os
import tomllib
from pathlib import Path
from typing import Annotated, Any

import platformdirs
from pydantic import AfterValidator, BeforeValidator, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from autotl.errors import ConfigError
from autotl.runtime.addresses import without_secrets
from autotl.runtime.remote_folder import require_url

PREFIX = "AUTOTL_"
ENGINES = ("onnxruntime", "openvino", "keras")
"""The engines that can compute features, by the name of their package; the first is always installed."""


def config_file() -> Path:
    """Return the path of the TOML file that is read if it exists."""
    return platformdirs.user_config_path("autotl") / "config.toml"


def _absolute(path: Path) -> Path:
    # Workers may start in another folder than the one the setting was written for.
    return path.expanduser().absolute()


def _existing_folder(path: Path) -> Path:
    path = _absolute(path)
    if not path.is_dir():
        raise ValueError(
            f"expected an existing folder, but {path} {'is a file' if path.exists() else 'does not exist'}"
        )
    return path


def _future_folder(path: Path) -> Path:
    path = _absolute(path)
    if path.exists() and not path.is_dir():
        raise ValueError(f"expected a folder, but {path} is a file")
    return path


def _plugin_folder() -> Path | None:
    folder = platformdirs.user_config_path("autotl") / "plugins"
    return folder if folder.is_dir() else None


def _names(value: Any) -> Any:
    return [name.strip() for name in value.split(",") if name.strip()] if isinstance(value, str) else value


def installed_engines() -> tuple[str, ...]:
    """Return the engines that are installed; none of them is imported to find out."""
    return tuple(name for name in ENGINES if importlib.util.find_spec(name))


def _installed_engine(name: str) -> str:
    if name and name not in installed_engines():
        remedy = f' {name} is not installed (pip install "autotl[{name}]").' if name == "openvino" else ""
        raise ValueError(f"expected one of {', '.join(installed_engines())}, or nothing to use the fastest.{remedy}")
    return name


def _remote_folder(url: str) -> str:
    if url:
        try:
            require_url(url)
        except ConfigError as error:
            raise ValueError(str(error)) from None
    return url.rstrip("/")


class Settings(BaseSettings):
    """The settings of one person on one machine.

    Each setting is read from the environment variable AUTOTL_NAME, such as `AUTOTL_CACHE`, or else from the key `name`
    of the config file.

    Attributes
    ----------
    weights : Path or None
        A folder with pretrained weights, for machines that cannot download them.
    cache : Path
        The folder for features and downloaded weights; it is created when it is first needed.
    cache_limit_gb : float
        The most that features, networks and scanned image facts may occupy in the cache, in units of 10^9 bytes. The
        least recently used go first; nothing that the current run uses is removed.
    shared : str
        The URL of a folder in an object store, such as `s3://BUCKET/PREFIX`, in which several machines share features;
        empty to keep them on this machine.
    trial_memory_gb : float or None
        The most memory that training a network may use, in units of 10^9 bytes; a trial that uses more fails. Without
        it, 70 % of what is free.
    engine : str
        The engine that computes features: "onnxruntime", "openvino" or "keras"; empty for the fastest installed one.
    plugins : Path or None
        A folder with single-file plugins (`.py`).
    disable_plugins : tuple of str
        The names of plugins that are not loaded; separated by commas in the environment.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, extra="forbid", frozen=True)

    weights: Annotated[Path, AfterValidator(_existing_folder)] | None = None
    cache: Annotated[Path, AfterValidator(_future_folder)] = Field(
        default_factory=lambda: platformdirs.user_cache_path("autotl")
    )
    cache_limit_gb: Annotated[float, Field(gt=0)] = 20.0
    shared: Annotated[str, AfterValidator(_remote_folder)] = ""
    trial_memory_gb: Annotated[float, Field(gt=0)] | None = None
    engine: Annotated[str, AfterValidator(_installed_engine)] = ""
    plugins: Annotated[Path, AfterValidator(_existing_folder)] | None = Field(default_factory=_plugin_folder)
    disable_plugins: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names)] = ()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic-settings passes all sources by name
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read arguments first, then the environment, then the config file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=config_file())


def settings() -> Settings:
    """Read the settings from the environment and the config file.

    The command line, the Python API and the app call this and pass the result on; nothing below them does.

    Raises
    ------
    ConfigError
        If a value is not usable; the message names the variable or the file, the value and what was expected.
    """
    try:
        return Settings()
    except ValidationError as error:
        raise ConfigError("\n".join(_explain(problem) for problem in error.errors())) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{config_file()} is not valid TOML: {error}. Correct or remove the file.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{config_file()} cannot be read: {error}. Correct or remove it, or set XDG_CONFIG_HOME to another folder."
        ) from error


def _explain(problem: Any) -> str:
    key = str(problem["loc"][0])
    if problem["type"] == "extra_forbidden":
        known = sorted(Settings.model_fields)
        near = difflib.get_close_matches(key, known, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        return f"{config_file()} has the unknown key {key!r}.{hint} Known keys: {', '.join(known)}."
    variables = {name.upper(): name for name in os.environ}
    variable = variables.get(f"{PREFIX}{key}".upper())
    where = f"the environment variable {variable}" if variable else f"{key!r} in {config_file()}"
    expected = problem["msg"].removeprefix("Value error, ")
    return f"{where} is {without_secrets(repr(problem['input']))}: {expected}. Correct it or remove it."
