"""An object store in the tests: moto's server, which speaks S3 over HTTP."""

from __future__ import annotations

import logging
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

BUCKET = "bucket"


class ObjectStore:
    """A running server with one bucket, as another program sees it."""

    def __init__(self, endpoint: str) -> None:
        import boto3

        self.endpoint = endpoint
        self.client = boto3.client("s3", endpoint_url=endpoint)
        self._tell("reset")
        self.client.create_bucket(Bucket=BUCKET)

    def url(self, path: str = "shared") -> str:
        """The URL of a folder in the bucket."""
        return f"s3://{BUCKET}/{path}"

    def names(self) -> list[str]:
        """The keys of all objects."""
        return [one["Key"] for one in self.client.list_objects_v2(Bucket=BUCKET).get("Contents", [])]

    def emptied(self) -> ObjectStore:
        """The same store without any object."""
        for name in self.names():
            self.client.delete_object(Bucket=BUCKET, Key=name)
        return self

    def get(self, key: str) -> bytes:
        """The content of an object."""
        return bytes(self.client.get_object(Bucket=BUCKET, Key=key)["Body"].read())

    def put(self, key: str, content: bytes) -> None:
        """Write an object."""
        self.client.put_object(Bucket=BUCKET, Key=key, Body=content)

    def vanish(self) -> None:
        """Delete the bucket with all that it holds."""
        for name in self.names():
            self.client.delete_object(Bucket=BUCKET, Key=name)
        self.client.delete_bucket(Bucket=BUCKET)

    def admit(self, *, strangers: bool) -> None:
        """Let everybody in, or refuse whoever has no account."""
        self._tell("reset-auth", b"inf" if strangers else b"0")

    def _tell(self, what: str, content: bytes = b"") -> None:
        plain = {"Content-Type": "text/plain"}
        request = urllib.request.Request(f"{self.endpoint}/moto-api/{what}", content, plain, method="POST")
        urllib.request.urlopen(request).close()


@contextmanager
def object_store() -> Iterator[ObjectStore]:
    """Start a server, with the environment of its users."""
    pytest.importorskip("moto.server")
    import s3fs
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (
            ("AWS_ENDPOINT_URL", f"http://{host}:{port}"),
            ("AWS_ACCESS_KEY_ID", "someone"),
            ("AWS_SECRET_ACCESS_KEY", "their secret"),
            ("AWS_DEFAULT_REGION", "us-east-1"),
        ):
            patch.setenv(name, value)
        s3fs.S3FileSystem.clear_instance_cache()
        try:
            store = ObjectStore(f"http://{host}:{port}")
            yield store
            store.admit(strangers=True)
        finally:
            s3fs.S3FileSystem.clear_instance_cache()
            server.stop()
