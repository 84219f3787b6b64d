"""onnxruntime, as this project imports it: late and silent. Import it nowhere else."""

import importlib
import os
from types import ModuleType


def import_onnxruntime() -> ModuleType:
    """Raises ImportError when it is not installed."""
    # From 1.29 on, the official builds report their use to their maker, beginning with the import: they write a device
    # id below the home directory and open a connection. Only this variable, set before, prevents all of it. It is a
    # message to a library, not a setting of ours, and not negotiable: what runs here talks to nobody.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    onnxruntime = importlib.import_module("onnxruntime")
    onnxruntime.disable_telemetry_events()  # builds made for Windows ignore the variable, but heed this
    return onnxruntime
