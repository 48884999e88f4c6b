"""What a handler is told and through what it answers: the interface of TorchServe 0.12's context.

Indexes count the requests of the batch from 0. Nothing here touches the socket, except that a
handler finds it as `cl_socket` to send parts of a streamed answer.
"""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple

#: What handlers are told about the server they run in.
SERVER_NAME = "Meterbox"


class RequestProcessor:
    """One request's headers and the status and headers of its answer; TorchServe's name for it."""

    __slots__ = ("request_headers", "status", "phrase", "headers")

    def __init__(self, request_headers: Dict[str, Any]) -> None:
        self.request_headers = request_headers
        self.status = 200
        self.phrase = ""
        self.headers: Dict[str, str] = {}

    def get_request_property(self, key: str) -> Any:
        """A request header; `None` if there is none. Its case matters only if that decides."""
        found = self.request_headers.get(key)
        if found is None:
            wanted = key.lower()
            for name, value in self.request_headers.items():
                if name.lower() == wanted:
                    return value
        return found

    def get_request_properties(self) -> Dict[str, Any]:
        """All request headers, the content types of the inputs before them."""
        return self.request_headers

    def report_status(self, code: int, reason_phrase: Optional[str] = None) -> None:
        """Sets the status."""
        self.status = int(code)
        self.phrase = reason_phrase or ""

    def get_response_status_code(self) -> int:
        """The status, 200 unless set."""
        return self.status

    def get_response_status_phrase(self) -> str:
        """The words behind the status, empty unless set."""
        return self.phrase

    def add_response_property(self, key: str, value: Any) -> None:
        """Sets a response header."""
        self.headers[str(key)] = str(value)

    def get_response_header(self, key: str) -> Optional[str]:
        """A response header."""
        return self.headers.get(key)

    def get_response_headers(self) -> Dict[str, str]:
        """All response headers."""
        return self.headers


class Context:
    """The second argument of `handle`, and the only one of `initialize`."""

    def __init__(
        self,
        model_name: str,
        model_dir: str,
        manifest: Dict[str, Any],
        batch_size: int,
        gpu: Optional[int],
        mms_version: str,
        limit_max_image_pixels: bool = True,
        metrics: Any = None,
        model_yaml_config: Optional[Dict[str, Any]] = None,
    ) -> None:
        self.model_name = model_name
        self.manifest = manifest
        self.metrics = metrics
        self.model_yaml_config = model_yaml_config or {}
        #: Facts about the process and the model.
        self.system_properties = {
            "model_dir": model_dir,
            "gpu_id": gpu,
            "batch_size": batch_size,
            "server_name": SERVER_NAME,
            "server_version": mms_version,
            "limit_max_image_pixels": limit_max_image_pixels,
        }
        #: Request ids by index.
        self.request_ids: Dict[int, str] = {}
        self.request_processor: List[RequestProcessor] = []
        #: The connection to the server, for streamed answers.
        self.cl_socket: Any = None

    def begin(self, ids: List[str], headers: List[Dict[str, Any]]) -> None:
        """Turns to the next batch."""
        self.request_ids = dict(enumerate(ids))
        self.request_processor = [RequestProcessor(one) for one in headers]

    def get_request_id(self, idx: int = 0) -> Optional[str]:
        """The id of a request."""
        return self.request_ids.get(idx)

    def get_request_header(self, idx: int, key: str) -> Any:
        """A header of a request; `None` if there is no such header or request."""
        if not 0 <= idx < len(self.request_processor):
            return None
        return self.request_processor[idx].get_request_property(key)

    def get_all_request_header(self, idx: int) -> Dict[str, Any]:
        """All headers of a request, the content types of its inputs among them."""
        return self.request_processor[idx].get_request_properties()

    def get_sequence_id(self, idx: int) -> Any:
        """The sequence that a request belongs to."""
        return self.get_request_header(idx, "ts_request_sequence_id")

    def set_response_content_type(self, idx: int, value: str) -> None:
        """Sets the content type of an answer."""
        self.request_processor[idx].add_response_property("content-type", value)

    def get_response_content_type(self, idx: int) -> Optional[str]:
        """The content type set for an answer."""
        return self.request_processor[idx].get_response_header("content-type")

    def set_response_status(self, code: int = 200, phrase: str = "", idx: int = 0) -> None:
        """Sets status and phrase of an answer."""
        self.request_processor[idx].report_status(code, phrase)

    def set_all_response_status(self, code: int = 200, phrase: str = "") -> None:
        """Sets status and phrase of all answers of the batch."""
        for one in self.request_processor:
            one.report_status(code, phrase)

    def get_response_status(self, idx: int) -> Tuple[int, str]:
        """Status and phrase set for an answer."""
        answer = self.request_processor[idx]
        return answer.status, answer.phrase

    def set_response_header(self, idx: int, key: str, value: str) -> None:
        """Sets a header of an answer."""
        self.request_processor[idx].add_response_property(key, value)

    def get_response_header(self, idx: int, key: str) -> Optional[str]:
        """A header set for an answer."""
        return self.request_processor[idx].get_response_header(key)

    def get_response_headers(self, idx: int) -> Dict[str, str]:
        """All headers set for an answer."""
        return self.request_processor[idx].get_response_headers()
