#!/usr/bin/env python3
"""Work grows as its input does: instructions for an input and for one of four times its size, of which the ratio is at most 4.5.

growth.py     needs valgrind. The rows are in openai-shim-core/benches/growth/table.rs.
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

MOST = 4.5
root = pathlib.Path(__file__).resolve().parent.parent
build = ["cargo", "bench", "--quiet", "-p", "openai-shim-core", "--bench", "growth", "--no-run", "--message-format=json"]
built = subprocess.run(build, cwd=root, stdout=subprocess.PIPE, check=True, text=True).stdout
found = [json.loads(line).get("executable") for line in built.splitlines() if line.startswith("{")]
program = [path for path in found if path][-1]
measured = "growth::measured"
with tempfile.TemporaryDirectory() as work:
    halves = []
    for half in ("0", "1"):
        counted = ["valgrind", "--tool=callgrind", "--collect-atstart=no", f"--toggle-collect={measured}", f"--dump-after={measured}"]
        counted += [f"--callgrind-out-file={work}/{half}", program, "table", half]
        halves.append(subprocess.Popen(counted, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
    counts = {}
    for half, run in enumerate(halves):
        said, errors = run.communicate()
        if run.returncode != 0:
            sys.exit(errors)
        for number, line in enumerate(said.splitlines(), 1):
            name, size = line.rsplit(" ", 1)
            dump = pathlib.Path(f"{work}/{half}.{number}").read_text()
            counts.setdefault(name, {})[int(size)] = int(re.search(r"^(?:totals|summary): (\d+)", dump, re.M).group(1))
failed = 0
for name, sizes in counts.items():
    (small, few), (large, many) = sorted(sizes.items())
    # What costs the same whatever the size is makes no row better: it is small beside these sizes.
    ratio = many / few
    bad = ratio > MOST * large / small / 4
    failed += bad
    print(f"{name:64} {few:>12} {many:>12}  x{ratio:4.2f}{'  <- grows faster than its input' if bad else ''}")
print(f"{len(counts) - failed} passed, {failed} failed")
sys.exit(1 if failed or not counts else 0)
