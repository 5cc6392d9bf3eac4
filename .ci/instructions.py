#!/usr/bin/env python3
"""Compares the instruction counts of core's benchmark with the recorded counts. Fails on a change of more than 5 %, up or down.

instructions.py [--record]     needs valgrind and gungraun-runner; --record stores the new counts
"""
import json
import pathlib
import subprocess
import sys

root = pathlib.Path(__file__).resolve().parent.parent
recorded = root / "openai-shim-core/benches/instructions.json"
command = ["cargo", "bench", "--quiet", "-p", "openai-shim-core", "--bench", "instructions", "--", "--output-format=json"]
output = subprocess.run(command, cwd=root, stdout=subprocess.PIPE, check=True, text=True).stdout
counts = {}
for line in output.splitlines():
    if line.startswith("{"):
        run = json.loads(line)
        metrics = run["profiles"][0]["data"]["parts"][0]["metrics"]
        counts[f"{run['function_name']} {run['id']}"] = metrics["Ir"]["values"]["new"]
if "--record" in sys.argv:
    recorded.write_text(json.dumps(counts, indent=2) + "\n")
before = json.loads(recorded.read_text())
failed = 0
for name, count in counts.items():
    old = before.get(name)
    change = 100 * (count - old) / old if old else float("inf")
    bad = abs(change) > 5
    failed += bad
    print(f"{name:32} {count:>10}  {change:+6.1f} %{'  <- explain the change, then run .ci/instructions.py --record' if bad else ''}")
failed += len(before.keys() - counts.keys())
print(f"{len(counts) - failed} passed, {failed} failed")
sys.exit(1 if failed or not counts else 0)
