"""An upstream that can be stopped in the middle: chats in OpenAI's form, messages with signed thinking in Anthropic's."""
import asyncio, json

PIECES = 30
SIGNATURE = "c2lnbmF0dXJlLW9mLXRoZS11cHN0cmVhbQ=="


class Upstream:
    """Serves on one port. `bodies` has every request; `pause` is the time between the pieces of a stream."""

    def __init__(self, port, pause):
        self.port, self.pause, self.bodies = port, pause, []
        self.connections, self.server = set(), None

    async def start(self):
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def stop(self):
        """Cuts every connection, as a crash does."""
        self.server.close()
        for writer in list(self.connections):
            writer.transport.abort()
        await asyncio.sleep(0)

    async def _serve(self, reader, writer):
        self.connections.add(writer)
        try:
            while (head := await reader.readuntil(b"\r\n\r\n")):
                length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
                body = json.loads(await reader.readexactly(length))
                self.bodies.append(body)
                messages = b"/messages" in head.split(b"\r\n")[0]
                await (self._messages if messages else self._chat)(writer, body)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.connections.discard(writer)
            writer.close()

    async def _chat(self, writer, body):
        usage = {"prompt_tokens": 10, "completion_tokens": PIECES, "total_tokens": 10 + PIECES}
        if not body.get("stream"):
            answer = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "usage": usage,
                      "choices": [{"index": 0, "message": {"role": "assistant", "content": "ok"}, "finish_reason": "stop"}]}
            return await whole(writer, answer)
        await begin_stream(writer)
        for n in range(PIECES + 1):
            last = n == PIECES
            delta = {} if last else {"role": "assistant", "content": f"{n} "} if n == 0 else {"content": f"{n} "}
            piece = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
                     "choices": [{"index": 0, "delta": delta, "finish_reason": "stop" if last else None}]}
            await event(writer, json.dumps(piece))
            await asyncio.sleep(self.pause)
        await event(writer, json.dumps({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [], "usage": usage}))
        await event(writer, "[DONE]")
        await end_stream(writer)

    async def _messages(self, writer, body):
        content = [{"type": "thinking", "thinking": "I think.", "signature": SIGNATURE},
                   {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}]
        await whole(writer, {"id": "m", "type": "message", "role": "assistant", "model": "m", "content": content, "stop_reason": "tool_use",
                             "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1}})


async def whole(writer, answer):
    body = json.dumps(answer).encode()
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
    await writer.drain()


async def begin_stream(writer):
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")


async def event(writer, data):
    frame = f"data: {data}\n\n".encode()
    writer.write(b"%x\r\n%b\r\n" % (len(frame), frame))
    await writer.drain()


async def end_stream(writer):
    writer.write(b"0\r\n\r\n")
    await writer.drain()
