"""For plugin authors: the conformance checks, which also run on every built-in plugin."""

from autotl.testing.autoencoders import check_autoencoder
from autotl.testing.backbones import check_backbone
from autotl.testing.checks import check_check
from autotl.testing.crops import check_crop
from autotl.testing.debias_methods import check_debias_method
from autotl.testing.encoders import check_encoder, check_encoder_format
from autotl.testing.evaluators import check_evaluator
from autotl.testing.executors import check_executor
from autotl.testing.finished_runs import check_exporter, check_panel, check_watcher
from autotl.testing.heads import check_head
from autotl.testing.plugin import check_plugin
from autotl.testing.registries import check_registry
from autotl.testing.samplers import check_sampler

__all__ = [
    "check_autoencoder",
    "check_backbone",
    "check_check",
    "check_crop",
    "check_debias_method",
    "check_encoder",
    "check_encoder_format",
    "check_evaluator",
    "check_executor",
    "check_exporter",
    "check_head",
    "check_panel",
    "check_plugin",
    "check_registry",
    "check_sampler",
    "check_watcher",
]
