"""A client that tells how an answer ended: complete, cut with a word about it, or cut in silence."""
import asyncio, json


class Answer:
    def __init__(self, status, headers, body, is_whole):
        self.status, self.headers, self.body, self.is_whole = status, headers, body, is_whole

    def json(self):
        return json.loads(self.body)

    def events(self):
        return [line[6:] for line in self.body.decode().split("\n") if line.startswith("data: ")]


async def post(port, path, body, key, timeout=60):
    """Sends one request on a connection of its own. `is_whole`: the transfer ended as HTTP says that it ends."""
    return await asyncio.wait_for(_post(port, path, body, key), timeout)


async def _post(port, path, body, key):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        data = json.dumps(body).encode()
        head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\ncontent-length: {len(data)}\r\nconnection: close\r\n\r\n"
        writer.write(head.encode() + data)
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        status = int(lines[0].split()[1])
        headers = dict((name.lower(), value.strip()) for name, value in (line.split(":", 1) for line in lines[1:] if ":" in line))
        body, is_whole = b"", True
        try:
            if "content-length" in headers:
                body = await reader.readexactly(int(headers["content-length"]))
            else:
                while (size := int(await reader.readuntil(b"\r\n"), 16)):
                    body += (await reader.readexactly(size + 2))[:-2]
        except (asyncio.IncompleteReadError, ValueError, OSError) as error:
            body += getattr(error, "partial", b"")
            is_whole = False
        return Answer(status, headers, body, is_whole)
    finally:
        writer.close()
