#!/usr/bin/env python3
"""Three replicas behind HAProxy with one Redis, while replicas and upstreams die, restart and are rolled.

  run.py BINARY [--streams 1000] [--at-once 40]

Needs haproxy and redis-server. All traffic stays on this machine; every process that it starts is ended by its id. It holds
that nothing is lost before the first byte, that every cut stream says so, that stored responses and signatures are found on
every replica, and that a key's limit is one limit. Prints the figures; exit code 1 if one of these is not so.
"""
import argparse, asyncio, itertools, json, os, pathlib, random, signal, socket, subprocess, sys, tempfile, time

from client import post
from upstream import PIECES, SIGNATURE, Upstream

KEY, LIMITED = "replicas-test-key-0001", "replicas-test-key-0002"
PER_MINUTE = 600
DEPLOY = pathlib.Path(__file__).resolve().parents[3] / "docs/deploy"

CONFIG = """
listen = "127.0.0.1:{listen}"

[[key]]
name = "team"
key = "{KEY}"

[[key]]
name = "limited"
key = "{LIMITED}"
requests_per_minute = {PER_MINUTE}

[[upstream]]
name = "one"
base_url = "http://127.0.0.1:{one}/v1"

[[upstream]]
name = "two"
base_url = "http://127.0.0.1:{two}/v1"

[[upstream]]
name = "claude"
base_url = "http://127.0.0.1:{claude}"
dialect = "anthropic-messages"
models = ["thinker"]

[[model]]
name = "steady"
targets = ["one/m", "two/m"]

[store]
url = "redis://127.0.0.1:{redis}"
secret = "a secret of the replicas, of thirty-two characters or more"

[limits]
concurrent = 5000
"""


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


async def until(what, holds, seconds=20):
    end = time.monotonic() + seconds
    while not await holds():
        if time.monotonic() > end:
            sys.exit(f"not within {seconds} s: {what}")
        await asyncio.sleep(0.05)


async def accepts(port):
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


class Replica:
    """One process of openai-shim, which is started again after its end."""

    def __init__(self, binary, folder, number, port, ports):
        self.binary, self.port, self.process = binary, port, None
        self.config, self.log = folder / f"{number}.toml", folder / f"{number}.log"
        self.config.write_text(CONFIG.format(listen=port, KEY=KEY, LIMITED=LIMITED, PER_MINUTE=PER_MINUTE, **ports))

    async def start(self):
        with open(self.log, "a") as log:
            self.process = subprocess.Popen([self.binary, "--config", self.config], stdout=log, stderr=log)
        await until(f"the replica on {self.port} starts: {self.log}", lambda: accepts(self.port))

    async def end(self, number):
        """Sends a signal, and waits for the end."""
        process = self.process
        process.send_signal(number)
        await until("a replica ends", lambda: asyncio.sleep(0, process.poll() is not None), 40)


class Tally(dict):
    def add(self, key):
        self[key] = self.get(key, 0) + 1


def ending(answer):
    """How a stream ended, as its client can tell."""
    if answer.status != 200:
        return f"status {answer.status}"
    events = answer.events()
    if events and events[-1] == "[DONE]":
        pieces = [json.loads(event) for event in events[:-1]]
        if any("error" in piece for piece in pieces):
            return "cut, with an error event"
        text = "".join(choice["delta"].get("content") or "" for piece in pieces for choice in piece["choices"])
        return "complete" if text == "".join(f"{n} " for n in range(PIECES)) else f"LOST: {text!r}"
    if any("error" in event for event in events[-1:]):
        return "cut, with an error event"
    return "SILENT" if answer.is_whole else "cut, with a broken transfer"


async def streams(port, count, at_once, tally, late):
    """Sends streams, `at_once` of them at the same time."""
    numbers = iter(range(count))

    async def one_after_another():
        for number in numbers:
            body = {"model": "steady", "stream": True, "messages": [{"role": "user", "content": f"say it, {number}"}]}
            try:
                tally.add(ending(await post(port, "/v1/chat/completions", body, KEY)))
            except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError) as error:
                tally.add(f"NO ANSWER: {type(error).__name__}")

    await asyncio.gather(*(one_after_another() for _ in range(at_once)))
    late.set()


async def chaos(replicas, upstreams, over, done):
    """One replica and one upstream at a time: killed, or told to end."""
    for replica, upstream, number in itertools.cycle(zip(replicas * 2, upstreams * 3, [signal.SIGKILL, signal.SIGTERM] * 3)):
        if over.is_set():
            return
        await asyncio.sleep(random.uniform(0.5, 1.5))
        await upstream.stop()
        done.add("upstream cut")
        await asyncio.sleep(random.uniform(0.5, 1.0))
        await upstream.start()
        await replica.end(number)
        done.add("replica " + ("killed" if number == signal.SIGKILL else "rolled"))
        await replica.start()
        # HAProxy has to see it again before the next one goes.
        await asyncio.sleep(0.7)


async def whole_answer(port, path, body):
    """The answer to a request, which is sent again where its transfer broke off: the replica was killed."""
    for _ in range(5):
        answer = await post(port, path, body, KEY)
        if answer.is_whole:
            assert answer.status == 200, answer.body
            return answer.json()
    sys.exit(f"five broken transfers of one answer: {body}")


async def conversations(port, upstreams, over):
    """Stored responses and signatures of one turn are there in the next, whichever replica gets it. Returns their number."""
    kept = 0
    while not over.is_set() or kept < 10:
        first = await whole_answer(port, "/v1/responses", {"model": "steady", "input": f"remember {kept}"})
        then = {"model": "steady", "input": f"and now {kept}", "previous_response_id": first["id"]}
        await whole_answer(port, "/v1/responses", then)
        history = [json.dumps(body) for upstream in upstreams for body in upstream.bodies if f"and now {kept}" in json.dumps(body)]
        assert history and all(f"remember {kept}" in body for body in history), history
        kept += 1
        await asyncio.sleep(0.1)
    return kept


async def signatures(port, claude, over):
    """The signature of a turn that called a tool reaches its upstream again, though the client knows nothing of it."""
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}]
    kept = 0
    while not over.is_set() or kept < 10:
        question = {"role": "user", "content": f"call it, {kept}"}
        ask = {"model": "thinker", "messages": [question], "tools": tools, "reasoning_effort": "low"}
        turn = (await whole_answer(port, "/v1/chat/completions", ask))["choices"][0]["message"]
        call = turn["tool_calls"][0]
        # As clients send it back that keep no field they do not know.
        turn = {"role": "assistant", "content": turn.get("content"), "tool_calls": [call]}
        ask["messages"] = [question, turn, {"role": "tool", "tool_call_id": call["id"], "content": "done"}]
        await whole_answer(port, "/v1/chat/completions", ask)
        sent = [json.dumps(body) for body in claude.bodies if f"call it, {kept}" in json.dumps(body) and "tool_result" in json.dumps(body)]
        assert sent and all(SIGNATURE in body for body in sent), sent
        kept += 1
        await asyncio.sleep(0.1)
    return kept


async def limit(port, seconds):
    """Asks as fast as it can with the limited key. Returns the number of answers, and of what the limit allows."""
    tally, end = Tally(), time.monotonic() + seconds
    begun = time.monotonic()

    async def ask():
        while time.monotonic() < end:
            answer = await post(port, "/v1/chat/completions", {"model": "steady", "messages": [{"role": "user", "content": "x"}]}, LIMITED)
            tally.add(answer.status)
            if answer.status == 429:
                assert int(answer.headers["retry-after"]) >= 1, answer.headers
                await asyncio.sleep(0.02)

    await asyncio.gather(*(ask() for _ in range(30)))
    return tally, PER_MINUTE + PER_MINUTE / 60 * (time.monotonic() - begun)


async def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("--streams", type=int, default=1000)
    parser.add_argument("--at-once", type=int, default=40)
    options = parser.parse_args()
    random.seed(1)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="replicas-"))
    entry, redis, one, two, claude, *listens = free_ports(8)
    ports = {"redis": redis, "one": one, "two": two, "claude": claude}
    upstreams, thinker = [Upstream(one, 0.05), Upstream(two, 0.05)], Upstream(claude, 0.05)
    replicas = [Replica(options.binary, folder, n, port, ports) for n, port in enumerate(listens)]
    ended, faults = [], []
    try:
        ended.append(subprocess.Popen(["redis-server", "--port", str(redis), "--bind", "127.0.0.1", "--save", "", "--dir", folder], stdout=subprocess.DEVNULL))
        await until("Redis starts", lambda: accepts(redis))
        for part in [*upstreams, thinker, *replicas]:
            await part.start()
        names = {f"SHIM_{name}": f"127.0.0.1:{port}" for name, port in zip(["BIND", "ONE", "TWO", "THREE"], [entry, *listens])}
        ended.append(subprocess.Popen(["haproxy", "-f", DEPLOY / "haproxy.cfg"], env={**os.environ, **names}, stderr=subprocess.DEVNULL))
        await until("HAProxy starts", lambda: accepts(entry))

        answered, allowed = await limit(entry, 6)
        share = answered.get(200, 0) / allowed
        print(f"limit of {PER_MINUTE} a minute: {answered.get(200, 0)} answers, {allowed:.0f} allowed ({100 * share:.1f} %); {answered.get(429, 0)} refused")
        if not 0.99 <= share <= 1.01 or set(answered) - {200, 429}:
            faults.append(f"the limit is not exact: {dict(answered)}")

        tally, done, over, begun = Tally(), Tally(), asyncio.Event(), time.monotonic()
        _, _, stored, signed = await asyncio.gather(
            streams(entry, options.streams, options.at_once, tally, over), chaos(replicas, upstreams, over, done),
            conversations(entry, upstreams, over), signatures(entry, thinker, over))
        print(f"{options.streams} streams in {time.monotonic() - begun:.0f} s: {dict(tally)}")
        print(f"meanwhile: {dict(done)}; {stored} stored responses continued, {signed} signatures returned")
        faults += [f"{count} streams: {end}" for end, count in tally.items() if end != "complete" and not end.startswith("cut")]
        if not any(end.startswith("cut") for end in tally) or "complete" not in tally:
            faults.append("no stream was cut, or none was complete: this run shows nothing")
        for replica in replicas:
            if "panicked" in replica.log.read_text():
                faults.append(f"a replica panicked: {replica.log}")
    finally:
        for process in [*ended, *(replica.process for replica in replicas if replica.process)]:
            if process.poll() is None:
                process.kill()
                process.wait()
    return faults


sys.exit("\n".join(asyncio.run(main())) or 0)
