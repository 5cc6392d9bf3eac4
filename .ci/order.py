#!/usr/bin/env python3
"""Writes openai-shim-server/order.ld: the functions that run at the start and for one request of each form.

order.py     needs valgrind; builds with symbols into target/order
"""
import bisect
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import time
import urllib.request

root = pathlib.Path(__file__).resolve().parent.parent
target = root / "target/order"
script = root / "openai-shim-server/order.ld"
# Valgrind knows nothing of other sections than `.text`: this build has none.
script.write_text("SECTIONS\n{\n}\nINSERT BEFORE .text;\n")
flags = {"CARGO_TARGET_DIR": str(target), "CARGO_PROFILE_RELEASE_STRIP": "none"}
subprocess.run(["cargo", "build", "--release", "--quiet", "--bin", "openai-shim"], cwd=root, env={**os.environ, **flags}, check=True)
program = target / "release/openai-shim"


def port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def start(upstream, before=()):
    """A server, and its address, once it answers."""
    base = f"http://127.0.0.1:{port()}"
    config = profile.with_suffix(".toml")
    config.write_text(f'listen = "{base.removeprefix("http://")}"\n[[upstream]]\nname = "one"\nbase_url = "{upstream}"\n')
    command = [*before, program, "--config", config]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, env={**os.environ, "OPENAI_SHIM_LOG": "warn"})
    for _ in range(300):
        try:
            urllib.request.urlopen(base + "/healthz").read()
            return server, base + "/v1"
        except OSError:
            time.sleep(0.1)
    raise SystemExit("it does not answer")


profile = target / "callgrind.out"
echo, upstream = start("echo")
profiles = ""
# One core and several have different schedulers.
for cores in (["taskset", "-c", "0"], []):
    tool = ["valgrind", "--quiet", "--tool=callgrind", "--dump-instr=yes", f"--callgrind-out-file={profile}"]
    measured, base = start(upstream, [*cores, *tool])
    for stream in (False, True):
        said = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": 'one "two" three'}]
        body = {"model": "echo", "stream": stream, "messages": said, "temperature": 0.7, "max_tokens": 256}
        headers = {"content-type": "application/json", "authorization": "Bearer key"}
        request = urllib.request.Request(base + "/chat/completions", json.dumps(body).encode(), headers)
        urllib.request.urlopen(request).read()
    measured.send_signal(signal.SIGTERM)
    measured.wait()
    profiles += profile.read_text()
echo.send_signal(signal.SIGTERM)
echo.wait()

# Addresses are absolute or relative to the line before; after `calls=` stands where the call came from.
addresses, objects, here, address, skip = set(), {}, None, 0, False
for line in profiles.splitlines():
    if named := re.match(r"(c?ob)=\((\d+)\)(?: (.*))?", line):
        kind, number, name = named.groups()
        objects.update({number: name} if name else {})
        here = number if kind == "ob" else here
    elif line.startswith("calls="):
        skip = True
    elif at := re.match(r"(0x[0-9a-f]+|[+-]\d+|\*) ", line):
        word = at[1]
        address = int(word, 16) if word.startswith("0x") else address if word == "*" else address + int(word)
        if not skip and objects.get(here, "").endswith("/openai-shim"):
            addresses.add(address)
        skip = False

symbols = []
for line in subprocess.run(["nm", "-S", program], stdout=subprocess.PIPE, check=True, text=True).stdout.splitlines():
    words = line.split()
    if len(words) == 4 and words[2] in "tTwW":
        symbols.append((int(words[0], 16), int(words[1], 16), words[3]))
symbols.sort()
starts = [start for start, _, _ in symbols]


def plain(name):
    """A name without its hashes: they change with the compiler."""
    if old := re.match(r"_ZN.*17h(?=[0-9a-f]{16}E)", name):
        return old[0] + "*"
    return re.sub(r"Cs[0-9A-Za-z]+_", "Cs*_", name.split(".")[0]) + "*" if name.startswith("_R") else name


run = {}
for address in addresses:
    start, size, name = symbols[max(0, bisect.bisect(starts, address) - 1)]
    if start <= address < start + size:
        run[plain(name)] = start
lines = "".join(f"    *(.text.{name} .text.unlikely.{name})\n" for name in sorted(run, key=run.get))
script.write_text(
    f"/* Written by .ci/order.py. */\nSECTIONS\n{{\n  .text.first :\n  {{\n{lines}  }}\n}}\nINSERT BEFORE .text;\n"
)
print(f"{len(run)} functions")
