"""OpenVINO, imported so that it stays silent. Nothing else imports it."""

import sys
from typing import Any


def import_openvino() -> Any:
    """Return the package `openvino`, or raise ImportError, OSError or RuntimeError if it does not work here.

    Processes that it is loaded in must not be forked: its threads would be missing in the child.
    """
    # On its import it sends an event to an analytics service and writes to ~/intel, without asking, if it finds
    # openvino-telemetry, which its wheel requires. If it does not, it replaces it by a stub of its own.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino  # noqa: PLC0415

    # Loads the CPU plugin, which a stripped installation may lack, and the processor may be too old for.
    openvino.Core().get_property("CPU", "FULL_DEVICE_NAME")
    return openvino
