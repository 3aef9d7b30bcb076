"""`zhiwen eval --junit FILE`: an evaluation as the XML that CI systems show as tests."""

import re
import xml.etree.ElementTree as ET  # nosec B405  (written, never parsed)
from pathlib import Path

from api.service.evaluation_report import EvaluationReport
from rag.errors import KnowledgeError
from rag.private_files import open_private

_NO_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_junit(report: EvaluationReport, file: Path) -> None:
    """Write one test case for each question. Raises KnowledgeError if the file cannot be written."""
    counts = {"tests": str(len(report.outcomes)), "failures": str(report.failed), "errors": "0"}
    suite = ET.Element("testsuite", {"name": "zhiwen eval", "timestamp": report.at, **counts})
    for outcome in report.outcomes:
        case = ET.SubElement(suite, "testcase", {"classname": "golden", "name": _clean(outcome.question)})
        if not outcome.passed:
            problems = "; ".join(f"{each.check}: {each.detail}".rstrip(": ") for each in outcome.failures)
            failure = ET.SubElement(case, "failure", {"message": _clean(problems)})
            failure.text = _clean(outcome.answer)
    root = ET.Element("testsuites", counts)
    root.append(suite)
    try:
        with open(file, "wb", opener=open_private) as opened:
            ET.ElementTree(root).write(opened, encoding="utf-8", xml_declaration=True)
    except OSError as error:
        raise KnowledgeError(f"{file} cannot be written: {error.strerror}") from error


def _clean(text: str) -> str:
    """Return the text without characters that XML cannot hold."""
    return _NO_XML.sub("", text)
