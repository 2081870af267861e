from __future__ import annotations

import platformdirs
import pytest

from autotl import settings as module
from autotl.errors import ConfigError
from autotl.settings import settings


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A person without any setting of their own; gives the folder of their config file."""
    config = tmp_path / "config"
    config.mkdir()
    monkeypatch.setattr(platformdirs, "user_config_path", lambda _name: config)
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda _name: tmp_path / "cache")
    for name in ("WEIGHTS", "CACHE", "CACHE_LIMIT_GB", "TRIAL_MEMORY_GB", "ENGINE", "PLUGINS", "DISABLE_PLUGINS"):
        monkeypatch.delenv(f"AUTOTL_{name}", raising=False)
    return config


def test_without_any_setting_the_cache_is_the_persons_own_and_nothing_else_is_set(home, tmp_path):
    found = settings()
    assert found.cache == tmp_path / "cache"
    assert (found.weights, found.plugins, found.disable_plugins) == (None, None, ())
    assert (found.engine, found.cache_limit_gb, found.trial_memory_gb) == ("", 20, None)


def test_the_plugins_folder_beside_the_config_file_is_used_where_it_exists(home):
    (home / "plugins").mkdir()
    assert settings().plugins == home / "plugins"


def test_the_environment_wins_over_the_config_file(home, tmp_path, monkeypatch):
    (home / "config.toml").write_text(
        f"cache = '{tmp_path / 'from-file'}'\ndisable_plugins = ['mlflow', 'svm']\n", encoding="utf-8"
    )
    assert settings().cache == tmp_path / "from-file"
    assert settings().disable_plugins == ("mlflow", "svm")
    monkeypatch.setenv("AUTOTL_CACHE", str(tmp_path / "from-environment"))
    assert settings().cache == tmp_path / "from-environment"


def test_disabled_plugins_are_separated_by_commas_in_the_environment(home, monkeypatch):
    monkeypatch.setenv("AUTOTL_DISABLE_PLUGINS", "mlflow, svm,")
    assert settings().disable_plugins == ("mlflow", "svm")


def test_a_password_in_a_url_is_refused_without_being_shown(home, monkeypatch):
    monkeypatch.setenv("AUTOTL_SHARED", "s3://me:hunter22@bucket/autotl")
    with pytest.raises(ConfigError, match=r"AUTOTL_SHARED is .* holds a name, a password or options") as raised:
        settings()
    assert "hunter22" not in str(raised.value)


def test_an_empty_variable_counts_as_not_set(home, monkeypatch):
    monkeypatch.setenv("AUTOTL_WEIGHTS", "")
    assert settings().weights is None


def test_a_tilde_stands_for_the_home_folder(home, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("AUTOTL_CACHE", "~/features")
    assert settings().cache == tmp_path / "features"


def test_a_bad_variable_is_named_with_its_value_and_what_was_expected(home, tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOTL_WEIGHTS", str(tmp_path / "nowhere"))
    with pytest.raises(ConfigError, match=r"variable AUTOTL_WEIGHTS is .*nowhere.*expected an existing folder"):
        settings()


def test_a_bad_value_in_the_file_names_the_file_and_the_key(home):
    (home / "config.toml").write_text("disable_plugins = 3\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"'disable_plugins' in .*config\.toml is 3: .* valid tuple"):
        settings()


def test_a_cache_that_is_a_file_is_refused(home, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("AUTOTL_CACHE", str(tmp_path / "file"))
    with pytest.raises(ConfigError, match=r"AUTOTL_CACHE is .* expected a folder, .* is a file"):
        settings()


def test_a_misspelt_key_in_the_file_is_answered_with_the_nearest_one(home):
    (home / "config.toml").write_text("weight = '/models'\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"unknown key 'weight'\. Did you mean 'weights'\?"):
        settings()


def test_a_file_that_is_no_toml_is_named_with_the_line(home):
    (home / "config.toml").write_text("cache = \n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"config\.toml is not valid TOML: .*line 1"):
        settings()


def test_settings_are_read_afresh_each_time(home, tmp_path, monkeypatch):
    before = settings()
    monkeypatch.setenv("AUTOTL_CACHE", str(tmp_path / "later"))
    assert settings().cache != before.cache


def test_an_engine_is_one_that_is_installed(home, monkeypatch):
    for name in ("onnxruntime", "keras"):
        monkeypatch.setenv("AUTOTL_ENGINE", name)
        assert settings().engine == name
    monkeypatch.setenv("AUTOTL_ENGINE", "tensorrt")
    with pytest.raises(
        ConfigError, match=r"AUTOTL_ENGINE is 'tensorrt': expected one of onnxruntime, .*keras, or noth"
    ):
        settings()


def test_an_engine_that_could_be_installed_is_answered_with_how(home, monkeypatch):
    monkeypatch.setattr(module, "installed_engines", lambda: ("onnxruntime", "keras"))
    monkeypatch.setenv("AUTOTL_ENGINE", "openvino")
    with pytest.raises(
        ConfigError, match=r"one of onnxruntime, keras, .* openvino is not installed .*autotl\[openvino\]"
    ):
        settings()


@pytest.mark.parametrize("limit", ["0", "-1", "much"])
def test_a_limit_of_the_cache_is_a_positive_number(limit, home, monkeypatch):
    monkeypatch.setenv("AUTOTL_CACHE_LIMIT_GB", limit)
    with pytest.raises(ConfigError, match=rf"AUTOTL_CACHE_LIMIT_GB is '{limit}': "):
        settings()
