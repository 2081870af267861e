"""The Python API: the same functions as the command line, and nothing more."""

from autotl.api.fitted_model import FittedModel
from autotl.api.fitted_targets import FittedTargets
from autotl.api.functions import check, fit, load, promote, resume
from autotl.api.styled_images import style

__all__ = ["FittedModel", "FittedTargets", "check", "fit", "load", "promote", "resume", "style"]
