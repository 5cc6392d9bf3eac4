#!/usr/bin/env python3
"""Checks that work grows linearly: four times the input may take at most 4.5 times the instructions.

growth.py     needs valgrind. The inputs are listed in openai-shim-core/benches/growth/table.rs.
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

MAX_RATIO = 4.5
root = pathlib.Path(__file__).resolve().parent.parent
build = ["cargo", "bench", "--quiet", "-p", "openai-shim-core", "--bench", "growth", "--no-run", "--message-format=json"]
built = subprocess.run(build, cwd=root, stdout=subprocess.PIPE, check=True, text=True).stdout
executables = [json.loads(line).get("executable") for line in built.splitlines() if line.startswith("{")]
program = [path for path in executables if path][-1]
measured = "growth::measured"
with tempfile.TemporaryDirectory() as work:
    halves = []
    for half in ("0", "1"):
        command = ["valgrind", "--tool=callgrind", "--collect-atstart=no", f"--toggle-collect={measured}", f"--dump-after={measured}"]
        command += [f"--callgrind-out-file={work}/{half}", program, "table", half]
        halves.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
    counts = {}
    for half, run in enumerate(halves):
        output, errors = run.communicate()
        if run.returncode != 0:
            sys.exit(errors)
        for number, line in enumerate(output.splitlines(), 1):
            name, size = line.rsplit(" ", 1)
            dump = pathlib.Path(f"{work}/{half}.{number}").read_text()
            counts.setdefault(name, {})[int(size)] = int(re.search(r"^(?:totals|summary): (\d+)", dump, re.M).group(1))
failed = 0
for name, sizes in counts.items():
    (small, few), (large, many) = sorted(sizes.items())
    # The fixed cost is small at these sizes, so it does not lower the ratio.
    ratio = many / few
    bad = ratio > MAX_RATIO * large / small / 4
    failed += bad
    print(f"{name:64} {few:>12} {many:>12}  x{ratio:4.2f}{'  <- grows faster than its input' if bad else ''}")
print(f"{len(counts) - failed} passed, {failed} failed")
sys.exit(1 if failed or not counts else 0)
