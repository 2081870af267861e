"""Files are kept in an object store or another file system, and what is wrong with one is said."""

from __future__ import annotations

import socket

import pytest
from object_store import object_store

from autotl.errors import ConfigError
from autotl.runtime.remote_folder import RemoteError, RemoteFolder, is_url, require_url


@pytest.fixture
def bucket():
    with object_store() as store:
        yield store


@pytest.fixture(params=["s3", "file", "memory"])
def folder(request, tmp_path):
    if request.param == "s3":
        return RemoteFolder(request.getfixturevalue("bucket").url("a b/prefix"))
    return RemoteFolder(f"file://{tmp_path}/there" if request.param == "file" else f"memory://{tmp_path.name}/there")


def test_files_are_written_listed_read_and_removed(folder, tmp_path):
    assert (folder.sizes(), folder.read("a"), folder.download("a", tmp_path / "copy")) == ({}, None, False)
    (tmp_path / "local").write_bytes(b"12345")
    folder.upload(tmp_path / "local", "b.npy")
    folder.write("a", b"123")
    (folder / "sub").write("c", b"1")
    assert folder.sizes() == {"a": 3, "b.npy": 5}
    assert folder.download("b.npy", tmp_path / "below" / "copy")
    assert ((tmp_path / "below" / "copy").read_bytes(), folder.read("a")) == (b"12345", b"123")
    assert [path.name for path in (tmp_path / "below").iterdir()] == ["copy"]
    folder.write("a", b"4")
    assert folder.read("a") == b"4"
    folder.remove("a")
    folder.remove("a")
    assert folder.sizes() == {"b.npy": 5}


def test_a_usable_folder_is_left_as_it_was(folder):
    folder.require_usable()
    assert folder.sizes() == {}


def test_a_missing_local_file_is_no_fault_of_the_store(folder, tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing"):
        folder.upload(tmp_path / "nothing", "a")


def test_a_bucket_that_does_not_exist_is_named(bucket):
    with pytest.raises(RemoteError, match=r"s3://nowhere/x cannot be used: .*bucket.* Check the name of the bucket"):
        RemoteFolder("s3://nowhere/x").require_usable()


def test_a_server_that_does_not_answer_is_named_within_seconds(monkeypatch, bucket):
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{one.getsockname()[1]}")
    with pytest.raises(RemoteError, match=r"s3://bucket/x cannot be used: .*AWS_ENDPOINT_URL"):
        RemoteFolder("s3://bucket/x").sizes()


def test_wrong_credentials_are_named_and_not_repeated(bucket):
    bucket.admit(strangers=False)
    with pytest.raises(RemoteError, match=r"s3://bucket/x cannot be used: .* Check its credentials .*AWS_ACCESS") as no:
        RemoteFolder("s3://bucket/x").sizes()
    bucket.admit(strangers=True)
    assert "their secret" not in str(no.value)


def test_without_credentials_the_message_says_where_they_belong(monkeypatch, bucket):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(RemoteError, match=r"Check its credentials .*AWS_ACCESS_KEY_ID"):
        RemoteFolder("s3://bucket/x").require_usable()


def test_a_store_whose_package_is_missing_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(RemoteError, match=r'package s3fs is not installed \(pip install "autotl\[s3\]"\)'):
        RemoteFolder("s3://bucket/x").sizes()


@pytest.mark.parametrize("url", ["bucket/x", "s3://", "/home/someone", ""])
def test_what_is_no_url_of_a_folder_is_refused(url):
    with pytest.raises(ConfigError, match="is not the URL of a folder; expected one such as s3://BUCKET/PREFIX"):
        require_url(url)


def test_credentials_in_a_url_are_refused_and_not_repeated():
    with pytest.raises(ConfigError, match="AWS_SECRET_ACCESS_KEY") as refused:
        require_url("s3://name:hunter22@bucket/x")
    assert "hunter22" not in str(refused.value)


def test_a_windows_path_is_no_url():
    assert [is_url(text) for text in ("C:\\runs\\x", "runs/x", "s3://bucket/x")] == [False, False, True]
