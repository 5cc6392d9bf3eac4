#!/bin/bash
# Compares openai-shim with nginx, both in front of the same mock upstream, in five minutes. Prints ratios to nginx. Uses the
# programs in ../shared/lab. By hand, on an idle machine with two cores; needs nginx, strace and `unshare -n`.
#
#   cargo build --release && openai-shim-server/benches/lab.sh [REPETITIONS] [SECONDS]
#
# rows.py measures what the lab does not: repaired and translated streams, and growth.
# LAB: the folder for programs and results (default: target/lab). OPENAI_SHIM: another binary. ALSO: more targets of the lab.
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
shared=${OPENAI_SHIM_CORPUS:-$here/../shared}
export LAB=${LAB:-$here/target/lab} OPENAI_SHIM=${OPENAI_SHIM:-$here/target/release/openai-shim} OPENAI_SHIM_LOG=warn
mkdir -p "$LAB"/{run,logs}
# A copy, because cargo writes into the folder.
if [ ! -x "$LAB/target/release/mock" ]; then
  rm -rf "$LAB/labtools" && cp -r "$shared/lab/labtools" "$LAB/labtools" && chmod -R u+w "$LAB/labtools"
  (cd "$LAB/labtools" && CARGO_TARGET_DIR="$LAB/target" cargo build --release --quiet)
fi
# The same settings as nginx: no log line for each request, and enough connections for 5,000 streams.
cat > "$LAB/run/openai-shim.toml" <<'C'
listen = "127.0.0.1:9240"
[[upstream]]
name = "mock"
base_url = "http://127.0.0.1:9100/v1"
[limits]
concurrent = 20000
C
export OPENAI_SHIM_ARGS="--config $LAB/run/openai-shim.toml"
targets=direct,nginx,openai-shim${ALSO:+,$ALSO}
"$shared/lab/bench.sh" --out "$LAB/results.json" --reps "${1:-5}" --secs "${2:-2}" --only "$targets" --phases sat,rate,big,fire,paced
"$shared/lab/bench.sh" --out "$LAB/hold.json" --reps 1 --only nginx,openai-shim --phases hold > /dev/null
python3 - "$LAB/results.json" "$LAB/hold.json" <<'P'
import json, sys
quick, hold = (json.load(open(path)) for path in sys.argv[1:3])
def least(runs, name, *keys):
    found = []
    for run in runs.get(name, []):
        for key in keys:
            run = run.get(key) if isinstance(run, dict) else None
        found += [run] if run is not None else []
    return min(found) if found else None
def ratio(title, figure):
    base = figure("nginx")
    cells = [f"{figure(n):.2f} | {figure(n) / base:.2f}" if base and figure(n) else "- | -" for n in names]
    print(f"| {title} | {base:.2f} | {' | '.join(cells)} |" if base else f"| {title} | - | {' | '.join(cells)} |")
names = [n for n in quick if n not in ("direct", "nginx")]
print(f"\n| work (least of the repetitions) | nginx | {' | '.join(f'{n} | ratio' for n in names)} |")
print("|---|--:|" + "--:|--:|" * len(names))
ratio("whole answer, saturated, CPU µs a request", lambda n: least(quick, n, "sat", "cpu_us_req"))
ratio("whole answer, 500 a second, CPU µs a request", lambda n: least(quick, n, "rate500", "cpu_us_req"))
ratio("63 KB prompt, CPU µs a request", lambda n: least(quick, n, "big", "cpu_us_req"))
ratio("firehose, CPU µs an event", lambda n: least(quick, n, "fire", "cpu_us_ev"))
ratio("paced 10 ms, CPU µs an event", lambda n: least(quick, n, "paced200", "cpu_us_ev"))
for q in ("p50", "p99"):
    direct = least(quick, "direct", "rate500", "lat_us", q) or 0
    ratio(f"added latency at 500 a second, {q}, µs", lambda n: (least(quick, n, "rate500", "lat_us", q) or 0) - direct)
ratio("start to first answer, ms", lambda n: least(quick, n, "start_ms"))
ratio("memory idle, MB", lambda n: least(quick, n, "rss_idle"))
ratio("memory at 1,000 streams, MB", lambda n: least(hold, n, "hold1000", "rss"))
ratio("memory at 5,000 streams, MB", lambda n: least(hold, n, "hold5000", "rss"))
P
