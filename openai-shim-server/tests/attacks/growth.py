#!/usr/bin/env python3
"""Checks that work grows linearly: sends every large request and response of payloads.py in two sizes, between dialects.

    growth.py BINARY [--only TEXT] [--size N] [--all]

Measures processor time of the whole process. A row fails if four times the size takes more than eight times the work. The
kernel counts in steps of 10 ms, so rows below 0.25 s do not fail. Each payload is converted to its own dialect and to two
others; with --all, to all of them. Prints the rows that fail and the slowest rows.
"""
import argparse
import json
import sys

import lab
import payloads

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("binary")
parser.add_argument("--only", default="", help="only rows whose name contains this text")
parser.add_argument("--size", type=int, default=10_000, help="elements of the smaller payload")
parser.add_argument("--all", action="store_true", help="every pair of dialects")
args = parser.parse_args()

CONFIG = """[timeouts]
first_byte = "300s"
[retry]
attempts = 1
[limits]
request_body = "128MiB"
response_body = "128MiB"
frame = "128MiB"
[[upstream]]
name = "u"
base_url = "http://127.0.0.1:{port}/v1"
dialect = "{dialect}"
models = ["m"]
"""
FLOOR, RATIO = 0.25, 8.0
upstream = lab.Upstream()


def size(n, dimension):
    # One element of these payloads is large: a tenth of the number is enough.
    return max(n // 10, 1) if dimension.startswith(("one giant", "width", "images")) else n


def others(dialect):
    at = payloads.DIALECTS.index(dialect)
    return payloads.DIALECTS if args.all else [payloads.DIALECTS[(at + step) % len(payloads.DIALECTS)] for step in (0, 2, 4)]


def cost(shim, path, body):
    before = shim.cpu()
    status, _, answer = shim.send("POST", path, body, timeout=300)
    return shim.cpu() - before, status, answer


def judge(rows, name, small, large, status):
    ratio = large / max(small, 0.01)
    failed = large > FLOOR and ratio > RATIO or status == 0
    rows.append((failed, large, f"{name:90} {small:8.2f} s {large:8.2f} s  {status}"))
    if failed:
        print("FAILED", rows[-1][2], flush=True)


def requests(rows):
    for target in payloads.DIALECTS:
        config = CONFIG.format(port=upstream.port, dialect=target)
        with lab.Shim(args.binary, config) as shim:
            for client, dimension, make in payloads.requests():
                name = f"request: {client}, {dimension} -> {target}"
                if target not in others(client) or args.only not in name:
                    continue
                upstream.reply = lambda path, body: lab.whole(b'{"error":{"message":"no","type":"invalid_request_error"}}', status="400 Bad Request")
                measured = []
                for factor in (1, 4):
                    payload = make(size(args.size, dimension) * factor)
                    measured.append(cost(shim, payloads.PATHS[client], payload if isinstance(payload, str) else json.dumps(payload)))
                judge(rows, name, measured[0][0], measured[1][0], measured[1][1])


def answers(rows):
    for source in payloads.DIALECTS:
        config = CONFIG.format(port=upstream.port, dialect=source)
        with lab.Shim(args.binary, config) as shim:
            for dialect, dimension, kind, make in payloads.answers():
                if dialect != source:
                    continue
                bodies = [make(size(args.size, dimension) * factor) for factor in (1, 4)]
                for client in others(source):
                    for stream in (False, True):
                        name = f"response: {source}, {dimension} -> {client} {'streaming' if stream else 'non-streaming'}"
                        if args.only not in name:
                            continue
                        path = payloads.stream_path(client) if stream else payloads.PATHS[client]
                        measured = []
                        for body in bodies:
                            upstream.reply = lambda path, request, body=body: lab.whole(body, kind)
                            measured.append(cost(shim, path, json.dumps(payloads.ask(client, stream))))
                        judge(rows, name, measured[0][0], measured[1][0], measured[1][1])


rows = []
requests(rows)
answers(rows)
print("slowest:")
for row in sorted(rows, key=lambda row: -row[1])[:10]:
    print(" ", row[2])
failed = sum(row[0] for row in rows)
print(f"{len(rows) - failed} passed, {failed} failed")
sys.exit(bool(failed))
