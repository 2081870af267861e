"""What a person sets once for every run: environment variables first, then the config file, then defaults."""

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

PREFIX = "AUTOTL_"
ENGINES = ("onnxruntime", "openvino", "keras")
"""What can read a network, by the name of its package; the first is always there."""


def config_file() -> Path:
    """The TOML file that is read where it exists."""
    return platformdirs.user_config_path("autotl") / "config.toml"


def _absolute(path: Path) -> Path:
    # Workers may be started in another folder than the one the setting was written for.
    return path.expanduser().absolute()


def _existing_folder(path: Path) -> Path:
    path = _absolute(path)
    if not path.is_dir():
        raise ValueError(f"expected an existing folder, {path} is {'a file' if path.exists() else 'not there'}")
    return path


def _future_folder(path: Path) -> Path:
    path = _absolute(path)
    if path.exists() and not path.is_dir():
        raise ValueError(f"expected a folder, {path} is a file")
    return path


def _plugin_folder() -> Path | None:
    folder = platformdirs.user_config_path("autotl") / "plugins"
    return folder if folder.is_dir() else None


def _names(value: Any) -> Any:
    return [name.strip() for name in value.split(",") if name.strip()] if isinstance(value, str) else value


def installed_engines() -> tuple[str, ...]:
    """The engines that can be imported here; nothing is imported to know it."""
    return tuple(name for name in ENGINES if importlib.util.find_spec(name))


def _installed_engine(name: str) -> str:
    if name and name not in installed_engines():
        remedy = f' {name} is not installed (pip install "autotl[{name}]").' if name == "openvino" else ""
        raise ValueError(f"expected one of {', '.join(installed_engines())}, or nothing for the fastest.{remedy}")
    return name


class Settings(BaseSettings):
    """Settings of one person on one machine.

    weights: folder with pretrained weights, for machines that cannot download them.
    cache: folder for features and downloaded weights; made when first needed.
    cache_limit_gb: 10^9 bytes that features, networks and what a scan saw may take there; what was used longest ago
        goes first, but nothing that the present run uses.
    engine: what reads features: onnxruntime, openvino or keras; empty for the fastest that is installed.
    plugins: folder with loose `.py` plugin files.
    disable_plugins: names of plugins that are not loaded; separated by commas in the environment.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, extra="forbid", frozen=True)

    weights: Annotated[Path, AfterValidator(_existing_folder)] | None = None
    cache: Annotated[Path, AfterValidator(_future_folder)] = Field(
        default_factory=lambda: platformdirs.user_cache_path("autotl")
    )
    cache_limit_gb: Annotated[float, Field(gt=0)] = 20.0
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
        """Look at arguments, then the environment, then the config file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=config_file())


def settings() -> Settings:
    """Read the settings afresh.

    Raises ConfigError naming the variable or the file, the value found and what was expected.
    """
    try:
        return Settings()
    except ValidationError as error:
        raise ConfigError("\n".join(_explain(problem) for problem in error.errors())) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{config_file()} is not valid TOML: {error}. Correct or remove the file.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{config_file()} cannot be read: {error}. Correct or remove it.") from error


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
    return f"{where} is {problem['input']!r}: {expected}. Correct it or remove it."
