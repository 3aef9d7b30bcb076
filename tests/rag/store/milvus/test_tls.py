"""A Milvus server with TLS and tokens: what opens it, and what everything else is told."""

import datetime
import ipaddress
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

pytestmark = [
    # The package's own code leaves its log files open.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

OPEN = """
from rag.settings_loader import load_settings
from rag.errors import StoreError
from rag.store.store import Store
try:
    store = Store.open(load_settings().store)
    print("open", store.state())
except StoreError as error:
    print(type(error).__name__, error)
"""


@dataclass(frozen=True, slots=True)
class Guarded:
    """The server's address, and the certificate of the authority that signed its own."""

    uri: str
    authority: Path

    def opened_with(self, **environment: str) -> str:
        """What opening the store says, in a process of its own, because gRPC reads its roots once."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("ZHIWEN_", "GRPC_"))}
        given = {"ZHIWEN_STORE__URI": self.uri} | environment
        done = subprocess.run(
            [sys.executable, "-c", OPEN],
            env=kept | given,
            cwd=self.authority.parent,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    pytest.importorskip(
        "milvus", reason="the Milvus server is not installed; the extra dev has it for Linux on x86-64 (milvus)"
    )
    from tests.kit.milvus_process import MilvusProcess  # noqa: PLC0415

    folder = tmp_path_factory.mktemp("certificates")
    write_certificates(folder)
    settings = {
        "common.security.tlsMode": 1,
        "common.security.authorizationEnabled": "true",
        "tls.serverPemPath": str(folder / "server.pem"),
        "tls.serverKeyPath": str(folder / "server.key"),
        "tls.caPemPath": str(folder / "authority.pem"),
    }
    process = MilvusProcess(tmp_path_factory.mktemp("guarded"), settings)
    try:
        yield Guarded(process.uri.replace("http:", "https:"), folder / "authority.pem")
    finally:
        process.stop()


def test_a_token_over_tls_opens_it_and_without_either_the_error_says_what_is_missing(guarded: Guarded) -> None:
    roots = {"GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(guarded.authority)}
    token = {"ZHIWEN_STORE__TOKEN": "root:Milvus"}
    attempts = {
        "both": roots | token,
        "wrong token": roots | {"ZHIWEN_STORE__TOKEN": "root:wrong"},
        "unknown authority": token,
        "no TLS": token | {"ZHIWEN_STORE__URI": guarded.uri.replace("https:", "http:")},
    }
    with ThreadPoolExecutor(2) as pool:
        said = dict(zip(attempts, pool.map(lambda given: guarded.opened_with(**given), attempts.values()), strict=True))
    assert said["both"] == "open None"
    assert said["wrong token"].startswith(f"StoreUnavailable {guarded.uri} refuses the token; set ZHIWEN_STORE__TOKEN")
    assert "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH" in said["unknown authority"]
    assert "CERTIFICATE_VERIFY_FAILED" in said["unknown authority"]
    assert "cannot be reached" in said["no TLS"]
    assert all("wrong" not in line and "root:" not in line for line in said.values()), "no secret is told"
    assert all("\n" not in line for line in said.values())


def write_certificates(folder: Path) -> None:
    authority, server = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ours = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")])
    theirs = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    now = datetime.datetime.now(datetime.UTC)

    def certificate(subject: x509.Name, key: ec.EllipticCurvePrivateKey, extension: x509.ExtensionType) -> bytes:
        builder = x509.CertificateBuilder(subject_name=subject, issuer_name=ours, public_key=key.public_key())
        signed = (
            builder.serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
            .sign(authority, hashes.SHA256())
        )
        return signed.public_bytes(serialization.Encoding.PEM)

    is_authority = x509.BasicConstraints(ca=True, path_length=None)
    (folder / "authority.pem").write_bytes(certificate(ours, authority, is_authority))
    (folder / "server.pem").write_bytes(certificate(theirs, server, here))
    (folder / "server.key").write_bytes(
        server.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
    )
