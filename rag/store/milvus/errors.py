"""Errors of Milvus and its client, translated into ours."""

from collections.abc import Iterator
from contextlib import contextmanager

import grpc
from pymilvus import MilvusException

from rag.errors import StoreError, StoreTimeout, StoreUnavailable

NOT_LOADED = "collection not loaded"
# What a server says while it is starting, or after it has lost one of its parts.
_NOT_READY = (NOT_LOADED, "channel not available", "channel lacks", "no available", "not healthy", "not ready")
_COLLECTION_GONE = 100
_NO_HANDSHAKE = "Tls handshake failed"
_REFUSED = "refuses the token; set ZHIWEN_STORE__TOKEN to user:password or an API key"


@contextmanager
def translate_errors(uri: str) -> Iterator[None]:
    """Raise StoreUnavailable, StoreTimeout or StoreError, naming the server, for whatever the client raises."""
    try:
        yield
    except grpc.RpcError as error:
        code = error.code() if isinstance(error, grpc.Call) else None
        if code == grpc.StatusCode.DEADLINE_EXCEEDED:
            raise StoreTimeout(
                f"{uri} did not answer in time; raise store.timeout_seconds or look at Milvus"
            ) from error
        if code == grpc.StatusCode.UNAVAILABLE:
            raise StoreUnavailable(f"{uri} cannot be reached; is Milvus running there?") from error
        if code == grpc.StatusCode.UNAUTHENTICATED:
            raise StoreUnavailable(f"{uri} {_REFUSED}") from error
        raise StoreError(f"{uri}: {code.name if code else error}") from error
    except MilvusException as error:
        raise _from_milvus(uri, error) from error


def error_message(error: Exception) -> str:
    """Return what an error of Milvus says, on one line of at most 300 characters."""
    return _one_line(error.message if isinstance(error, MilvusException) else error)


def _from_milvus(uri: str, error: MilvusException) -> StoreError:
    message = error_message(error)
    lowered = message.lower()
    if "fail connecting" in lowered or "unavailable" in lowered or "connection refused" in lowered:
        return StoreUnavailable(f"{uri} {_why_unreachable(_call_behind(error), message)}")
    if "deadline" in lowered or "timeout" in lowered or "timed out" in lowered:
        return StoreTimeout(f"{uri} did not answer in time; raise store.timeout_seconds or look at Milvus")
    if any(sign in lowered for sign in _NOT_READY):
        return StoreUnavailable(f"{uri} is not ready yet; try again in some seconds ({message})")
    if error.code == _COLLECTION_GONE:
        return StoreError(f"{uri}: a collection disappeared while it was used ({message})")
    return StoreError(f"{uri}: {message}")


def _why_unreachable(call: grpc.Call | None, message: str) -> str:
    if call and call.code() == grpc.StatusCode.UNAUTHENTICATED:
        return _REFUSED
    if call and _NO_HANDSHAKE in str(call.details()):
        return (
            "offers no trusted TLS connection; if your own authority signed its certificate, set "
            f"GRPC_DEFAULT_SSL_ROOTS_FILE_PATH to the authority's ({_one_line(call.details())})"
        )
    return f"cannot be reached; is Milvus running there? ({message})"


def _call_behind(error: BaseException) -> grpc.Call | None:
    """Return the gRPC call that caused an error, if one did. The client raises some errors from themselves."""
    seen: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if isinstance(one, grpc.Call):
            return one
        if one is not None and not any(one is other for other in seen):
            seen.append(one)
            waiting += [one.__context__, one.__cause__]
    return None


def _one_line(text: object) -> str:
    return " ".join(str(text).split())[:300]
