"""The command `storage-proxy`."""

from __future__ import annotations

import os
import socket
from typing import Annotated

import typer

from autotl.errors import ConfigError


def storage_proxy(
    storage: Annotated[
        str | None,
        typer.Option(metavar="URL", help="The database; its password is better given by AUTOTL_STORAGE."),
    ] = None,
    host: Annotated[str, typer.Option(help="The address to listen on; of a private network only.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port to listen on.")] = 13000,
) -> None:
    """Let many workers reach one database of trials through this process (Optuna's gRPC proxy).

    Workers are given `--storage grpc://HOST:PORT`. There is no password and no encryption: anyone who reaches the port
    can read and change every study in the database.
    """
    from autotl.runs.run import STORAGE_VARIABLE
    from autotl.runs.storage import require_storage, serve_storage
    from autotl.runtime.addresses import hide_secrets

    address = storage or os.environ.get(STORAGE_VARIABLE)
    if not address:
        raise ConfigError(
            f"no database was given; name it by --storage or {STORAGE_VARIABLE}, such as "
            "postgresql+pg8000://USER@HOST/DATABASE"
        )
    require_storage(address)
    reached = socket.gethostname() if host in ("0.0.0.0", "::") else host
    typer.echo(
        f"Workers reach {hide_secrets(address)} by --storage grpc://{reached}:{port}; stop with Ctrl-C", err=True
    )
    serve_storage(address, host=host, port=port)
