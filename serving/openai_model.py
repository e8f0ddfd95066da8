"""Any model behind OpenAI's chat completions API: a served checkpoint of ours, or somebody else's.

It is asked again with backoff (429, 5xx, lost connections), or when the server says, as far as the budget's
seconds allow; a stream that stops midway is told as
`Transient`. An answer that comes a byte at a time, or never ends, stops at the budget's deadline or at a cap
on its size. The key is in no error and in no message, whatever the server says. Not here yet: the reasoning
that some servers send beside the message.
"""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, cast, get_args

from schemas.chat import Message
from schemas.errors import BadRecord, Transient, UsageError
from schemas.tools import Contract, canonical_json
from schemas.workflow.jsontext import read_json
from serving.agent import Budget, Completion, Cut
from serving.chat_stream import joined

if TYPE_CHECKING:
    import httpx2
    import openai

__all__ = ["OpenAiModel"]

MAX_BYTES: Final = 8 << 20
"""The longest answer that is read."""
_NO_KEY: Final = "none"
"""What a server that asks for no key is sent."""
_STREAMED: Final[Any] = {"stream": True, "stream_options": {"include_usage": True}}


class OpenAiModel:
    """One model of one server. `name` is what outcomes call it and what the server is asked for.

    Holds connections until `close`, or until the end of a `with` block.
    """

    def __init__(
        self,
        base_url: str,
        name: str,
        *,
        api_key: str = _NO_KEY,
        max_retries: int = 2,
        stream: bool = False,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`stream` asks for the answer in pieces, for proxies that end what is silent for too long.

        Raises:
            UsageError: where the package is not installed.
        """
        self.name = name
        api_key = api_key or _NO_KEY
        self._key = _spellings(api_key) if api_key != _NO_KEY else None
        self._stream = stream
        self._deadline = _Deadline(clock)
        self._url = base_url
        self._max_retries = max_retries
        self._sleep = sleep
        self._client = _client(base_url, api_key, self._deadline)

    def __enter__(self) -> OpenAiModel:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._client.close()

    def complete(self, messages: Sequence[Message], contract: Contract, budget: Budget) -> Completion:
        """One request, at temperature 0, with the contract's system prompt and tools."""
        import openai

        whole = [{"role": "system", "content": contract.system_prompt}, *messages]
        self._deadline.set(budget.seconds)
        try:
            found = self._asked(
                model=self.name,
                messages=whole,
                tools=contract.openai(),
                temperature=0.0,
                max_tokens=budget.tokens,
                timeout=max(budget.seconds, 0.001),
                **(_STREAMED if self._stream else {}),
            )
            if self._stream:
                with found:
                    message, num_tokens, finished = joined(found)
            else:
                message, num_tokens, finished = _message(found)
            whole_message = cast("Message", self._without_key(_spelled_out(message)))
            return Completion(whole_message, num_tokens, finished if finished in get_args(Cut) else None)
        except (openai.APIConnectionError, openai.RateLimitError, openai.InternalServerError) as error:
            told = self._short(error)
            if isinstance(error, openai.APIConnectionError):
                told += "; is a server running there?"
            raise Transient(f"{self.name} at {self._where()} gave no answer: {told}") from None
        except Transient as error:
            raise Transient(f"{self.name} gave half an answer: {self._short(error)}") from None
        except openai.APIStatusError as error:
            told = self._short(error) + _advice(error.status_code)
            raise UsageError(f"{self.name} at {self._where()} refused the request: {told}") from None
        except _TooLate:
            raise Transient(f"{self.name} at {self._where()} gave no answer in the seconds it had") from None
        except _TooLong:
            raise BadRecord("JUNK", f"{self._where()} sent more than {MAX_BYTES} bytes") from None
        except _Compressed:
            raise BadRecord(
                "JUNK", f"{self._where()} sent a compressed answer, which nobody asked for"
            ) from None
        except (openai.OpenAIError, ValueError) as error:
            if type(error) is openai.APIError:  # an error that came inside a stream
                raise Transient(f"{self.name} broke off its answer: {self._short(error)}") from None
            told = f"what {self._where()} sent is no chat completion: {self._short(error)}"
            raise BadRecord("JUNK", f"{told}; is this the API's base URL, such as http://HOST/v1?") from None

    def _asked(self, **request: Any) -> Any:
        """What the server answers, asked again while that may help and there is time to wait for it."""
        import openai

        for attempt in range(self._max_retries + 1):
            try:
                return self._client.chat.completions.create(**request)
            except (openai.APIConnectionError, openai.RateLimitError, openai.InternalServerError) as error:
                seconds = _wait(error, attempt)
                if attempt == self._max_retries or seconds >= self._deadline.left():
                    raise
                self._sleep(seconds)
        raise AssertionError  # the last attempt returned or raised

    def _short(self, error: Exception) -> str:
        said: str = self._without_key(" ".join(str(error).split()))
        return said[:300].rstrip(".")

    def _where(self) -> str:
        """The server's address, without what may be secret in it."""
        host = self._url.split("?")[0].rpartition("@")[2]
        said: str = self._without_key(host.removeprefix("https://").removeprefix("http://"))
        return said[:100]

    def _without_key(self, value: Any) -> Any:
        """A text or a message without the key, which a server may repeat."""
        if self._key is None:
            return value
        if isinstance(value, str):
            return self._key.sub("[key]", value)
        if isinstance(value, dict):
            return {self._without_key(name): self._without_key(part) for name, part in value.items()}
        return [self._without_key(part) for part in value] if isinstance(value, list) else value


def _wait(error: Any, attempt: int) -> float:
    """Seconds until the next try: what the server says, else half a second that doubles."""
    response = getattr(error, "response", None)
    headers = {} if response is None else response.headers
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        with contextlib.suppress(ValueError):
            seconds = float(headers.get(name, "")) / unit
            if seconds >= 0:
                return seconds
    return min(0.5 * 2.0**attempt, 8.0)


def _advice(status: int) -> str:
    if status in (401, 403):
        return "; give the server's key in SIDEWHEEL_API_KEY"
    return "; check the base URL and the model's name" if status == 404 else ""


def _spellings(key: str) -> re.Pattern[str]:
    """The key as a text or inside of JSON text, whose escapes can spell each of its characters otherwise."""
    return re.compile("".join(f"(?:{_spelling(character)})" for character in key))


def _spelling(character: str) -> str:
    units = character.encode("utf-16-be").hex()
    escaped = "".join(rf"\\u(?i:{units[at : at + 4]})" for at in range(0, len(units), 4))
    return rf"\\?{re.escape(character)}|{escaped}"


def _spelled_out(message: dict[str, Any]) -> dict[str, Any]:
    """The message with its arguments in the canonical spelling, in which a text is written one way."""
    for call in message["tool_calls"]:
        with contextlib.suppress(BadRecord, TypeError):  # the tool's answer says what is wrong with them
            call["function"]["arguments"] = canonical_json(read_json(call["function"]["arguments"]))
    return message


def _message(found: Any) -> tuple[dict[str, Any], int, Any]:
    """The first choice, the number of its tokens and why it ended.

    Read with suspicion: the client does not check what a server sends.
    """
    try:
        message = found.choices[0].message
        calls = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.function.name, "arguments": call.function.arguments},
            }
            for call in message.tool_calls or []
        ]
        made = {"role": message.role, "content": message.content, "tool_calls": calls}
        num_tokens = found.usage.completion_tokens if found.usage else 0
        finished = getattr(found.choices[0], "finish_reason", None)
    except (AttributeError, TypeError, IndexError, KeyError):
        raise BadRecord("JUNK", "what it sent is no chat completion") from None
    counted = num_tokens if isinstance(num_tokens, int) and num_tokens > 0 else 0
    return made, counted, finished


# -- an answer has a length in seconds and in bytes -----------------------------------------------------


class _TooLong(Exception):
    """A signal inside this module, never seen outside: one that the client does not try again."""


class _Compressed(Exception):
    """A signal like `_TooLong`: the cap is on what is read, and a little may unpack to very much."""


class _TooLate(Exception):
    """A signal like `_TooLong`."""


class _Deadline(threading.local):
    """When the answer that this thread waits for must be there."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until = 0.0

    def set(self, seconds: float) -> None:
        self._until = self._clock() + seconds

    def left(self) -> float:
        return self._until - self._clock()


def _client(base_url: str, api_key: str, deadline: _Deadline) -> openai.OpenAI:
    try:
        import httpx2
        import openai
    except ImportError:
        raise UsageError("Models behind an API need the extra: pip install 'sidewheel[serve]'.") from None

    class Bounded(httpx2.SyncByteStream):
        def __init__(self, inner: httpx2.SyncByteStream) -> None:
            self._inner = inner

        def __iter__(self) -> Iterator[bytes]:
            num_bytes = 0
            for chunk in self._inner:
                num_bytes += len(chunk)
                if num_bytes > MAX_BYTES:
                    raise _TooLong
                if deadline.left() <= 0:
                    raise _TooLate
                yield chunk

        def close(self) -> None:
            self._inner.close()

    class Transport(httpx2.HTTPTransport):
        def handle_request(self, request: httpx2.Request) -> httpx2.Response:
            left = deadline.left()
            if left <= 0:
                raise _TooLate
            request.extensions["timeout"] = dict.fromkeys(("connect", "read", "write", "pool"), left)
            request.headers["Accept-Encoding"] = "identity"
            response = super().handle_request(request)
            if response.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
                response.close()
                raise _Compressed
            response.stream = Bounded(cast("httpx2.SyncByteStream", response.stream))
            return response

    return openai.OpenAI(
        base_url=base_url,
        api_key=api_key,
        max_retries=0,
        http_client=httpx2.Client(transport=Transport(), follow_redirects=False),
    )
