"""Every error a user can cause. Its message says what was found, where, what was expected and what to do next."""


class AutoTLError(Exception):
    """The input or the call is at fault: the command line prints the message and exits with 2."""


class DatasetError(AutoTLError):
    """The data cannot be used as they are."""


class ItemLostError(DatasetError):
    """A file that was scanned cannot be read any more, or has other contents: every trial that needs it would fail."""


class ConfigError(AutoTLError):
    """An option or a combination of options cannot work."""


class PluginError(AutoTLError):
    """A plugin is missing, broken, or offers something that breaks its contract."""


class HeadError(PluginError):
    """A head failed in the process that it was fitted in; crashed: it ended that process, or did not end in time.

    traceback: with the lines of its plugin.
    """

    def __init__(self, message: str, traceback: str = "", *, crashed: bool = False) -> None:
        super().__init__(message)
        self.traceback, self.crashed = traceback, crashed


class WeightsError(AutoTLError):
    """Pretrained weights are not available."""


class ExportError(AutoTLError):
    """A model could not be written, or the written model does not compute what the champion computes."""


class RunError(AutoTLError):
    """A run folder or deployable cannot be read."""


class OutOfTimeError(AutoTLError):
    """The time allowed ran out before the work was finished."""


class WorkerLostError(AutoTLError):
    """The process or the machine that performed a trial for another one is gone; the trial may be tried elsewhere."""


class NoWorkersError(WorkerLostError):
    """Nothing is left that could perform trials for another process; the trial may be tried by that process itself."""


class MachineError(AutoTLError):
    """The machine does not allow it: a disk is full, a folder cannot be written."""


def in_one_line(error: object, limit: int = 300) -> str:
    """What an error of a library says, as one line without control characters: converters write pages."""
    text = " ".join("".join(c if c.isprintable() else " " for c in str(error)).split())
    return text if len(text) <= limit else f"{text[:limit].rstrip()} ..."
