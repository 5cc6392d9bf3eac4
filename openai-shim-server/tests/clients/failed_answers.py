#!/usr/bin/env python3
"""Whether a person sees in each SDK of versions.txt that an answer failed, was cut, filtered, refused or too long.

  failed_answers.py BINARY [light|heavy|ROUTES]...    fails when an SDK shows such an answer as a whole one

failing.py answers, the shim translates, and sees.py, sees.mjs and their like ask through an SDK, whole and as streams: once in
front of an upstream of OpenAI's chat, once in front of one of the SDK's own dialect. Prints one line for each SDK, upstream
and case. PYTHON: an interpreter with some of the packages (default: this one). SDK_DIR: the folder in which the others are
installed (default: a temporary one). VERBOSE: prints what each route of an SDK said.
"""
import collections, json, os, re, signal, socket, subprocess, sys, tempfile, time, urllib.request, venv

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, here)
from failing import CASES, WORDS, joined

# The words of sees.py that tell the truth about a case, other than `error`, which always does.
TRUE = {"whole": {"complete"}, "call": {"complete"}, "refusal": {"refused"}, "filtered": {"filtered", "refused"}, "filtered-blank": {"filtered", "refused"}, "length": {"length"}, "call-length": {"length"}}
# What an SDK shows otherwise, whatever it is sent: patterns of its package, route and case, and the reason.
KNOWN = [
    ("openai-agents.*|@openai/agents.*", "chat.*", "filtered.*|length|call-length", "it reads no finish reason of chat"),
    ("agno.*", ".*", "filtered.*|length", "it reads no finish reason"),
    ("agno.*", "(chat|responses).*", "refusal", "it reads no refusal"),
    ("langchain.*", "chat stream", "refusal", "it reads no refusal in a stream of chat"),
    ("@google/gemini-cli.*", ".*", "filtered.*|length", "it shows no finish reason"),
    ("ai@5.*", "(chat|compatible).*|responses stream", "refusal", "it reads no refusal"),
]
UPSTREAMS = {
    "openai-chat": "/v1", "openai-completions": "/v1", "openai-responses": "/v1", "anthropic-messages": "/v1",
    "ollama-chat": "/api", "ollama-generate": "/api", "gemini": "/v1beta",
}
SCRIPTS = {("python", "light"): "sees.py", ("node", "light"): "sees.mjs", ("python", "heavy"): "sees_frameworks.py", ("node", "heavy"): "sees_frameworks.mjs"}


def sdks(wanted):
    """The lines of versions.txt that are wanted, as dicts."""
    names = ("language", "routes", "weight", "environment", "packages")
    for line in open(os.path.join(here, "versions.txt")):
        row = line.split()
        if row and row[0] != "#":
            sdk = dict(zip(names, row[:4] + [row[4:]]))
            if sdk["weight"] in wanted or sdk["routes"] in wanted:
                yield sdk


def run(*command, **more):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)


def interpreter(packages, folder):
    """A Python that has the packages: PYTHON, or that of an environment in the folder."""
    has = "import sys; from importlib.metadata import version; [version(n) == v or sys.exit(1) for n, v in (p.split('==') for p in sys.argv[1:])]"
    inside = os.path.join(folder, "bin", "python")
    for python in (os.environ.get("PYTHON", sys.executable), inside):
        if os.path.dirname(python) == "" or os.path.exists(python):
            if run(python, "-c", has, *packages).returncode == 0:
                return python
    venv.create(folder, with_pip=True)
    installed = run(inside, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages)
    return None if installed.returncode else inside


def alias(package):
    """The name under which one of several versions of an npm package is installed."""
    name, version = package.rsplit("@", 1)
    return re.sub(r"[^a-z0-9-]+", "-", name.strip("@")) + "-" + version.split(".")[0]


def modules(packages, folder):
    """A folder with the npm packages, each under its alias."""
    missing = [p for p in packages if not os.path.isdir(os.path.join(folder, "node_modules", alias(p)))]
    if missing:
        os.makedirs(folder, exist_ok=True)
        run("npm", "init", "-y", cwd=folder)
        named = [f"{alias(p)}@npm:{p}" for p in missing]
        if run("npm", "install", "--no-audit", "--no-fund", "--loglevel=error", *named, cwd=folder).returncode:
            return None
    return folder


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def serve(binary, work):
    """Starts failing.py and the shim in front of it. Returns the processes and the shim's address."""
    ports = free_port(), free_port()
    config = f'listen = "127.0.0.1:{ports[1]}"\nlearn = false\n[retry]\nattempts = 1\n'
    for dialect, path in UPSTREAMS.items():
        config += f'[[upstream]]\nname = "{dialect}"\nbase_url = "http://127.0.0.1:{ports[0]}{path}"\ndialect = "{dialect}"\n'
    path = os.path.join(work, "shim.toml")
    with open(path, "w") as f:
        f.write(config)
    log = open(os.path.join(work, "log"), "w")
    commands = [sys.executable, os.path.join(here, "failing.py"), str(ports[0])], [binary, "--config", path]
    processes = [subprocess.Popen(c, stdout=log, stderr=log) for c in commands]
    for url in (f"http://127.0.0.1:{ports[0]}/v1/models", f"http://127.0.0.1:{ports[1]}/healthz"):
        for _ in range(100):
            try:
                urllib.request.urlopen(url, timeout=1).read()
                break
            except OSError:
                time.sleep(0.05)
    return processes, f"http://127.0.0.1:{ports[1]}"


def true(case, word, detail):
    pieces = CASES[case][0]
    if case == "whole":
        return word == "complete" and "".join(WORDS) in detail
    # A dialect without a place for refusals has the model's own words.
    if case == "refusal" and joined(pieces, "refusal") in detail:
        return True
    return word in TRUE.get(case, ()) or word == "error" and case != "call"


def judge(sdk, name, upstream, asked):
    """Prints a line for each case. Returns the number of cases that hold and of those that do not."""
    seen, held, wrong = collections.defaultdict(list), 0, 0
    if asked.returncode:
        print("FAILED", name, upstream, asked.stdout[-1000:])
        return 0, 1
    for line in asked.stdout.splitlines():
        if line.startswith("["):
            route, case, word, detail = json.loads(line)
            seen[case].append((route, word, detail))
    for case in (case for case in CASES if case in seen):
        words, bad = collections.defaultdict(list), []
        for route, word, detail in seen[case]:
            known = next((k[3] for k in KNOWN if all(re.fullmatch(p, v) for p, v in zip(k, (sdk["packages"][0], route, case)))), None)
            words[f"{word} ({known})" if known else word].append(route)
            if not known and not true(case, word, detail):
                bad.append(f"    {route}: {word}: {detail[:200]}")
            elif os.environ.get("VERBOSE"):
                print(f"    {route}: {word}: {detail[:200]}")
        text = "; ".join(words) if len(words) == 1 else "; ".join(f"{w}: {', '.join(r)}" for w, r in words.items())
        held, wrong = held + (not bad), wrong + bool(bad)
        print("FAILED" if bad else "ok    ", name.ljust(34), upstream.ljust(12), case.ljust(12), text, flush=True)
        for line in bad:
            print(line)
    return held, wrong


def main():
    binary, wanted = os.path.abspath(sys.argv[1]), sys.argv[2:] or ["light"]
    held, wrong, skipped = 0, 0, 0
    with tempfile.TemporaryDirectory() as work:
        home = os.path.abspath(os.environ.get("SDK_DIR") or os.path.join(work, "sdks"))
        chosen = list(sdks(wanted))
        together = collections.defaultdict(list)
        for sdk in chosen:
            together[sdk["language"], sdk["environment"]] += sdk["packages"]
        ready = {}
        for (language, environment), packages in together.items():
            install = interpreter if language == "python" else modules
            ready[language, environment] = install(packages, os.path.join(home, f"failed-{environment}"))
        processes, root = serve(binary, work)
        try:
            for sdk in chosen:
                name = sdk["language"] + " " + sdk["packages"][0]
                place = ready[sdk["language"], sdk["environment"]]
                if place is None:
                    print(f"skipped: {name} cannot be installed", flush=True)
                    skipped += 1
                    continue
                script = os.path.join(here, SCRIPTS[sdk["language"], sdk["weight"]])
                command = [place, script, sdk["routes"]]
                if sdk["language"] == "node":
                    command = ["node", script, sdk["routes"], ",".join(alias(p) for p in sdk["packages"])]
                for upstream in ("openai-chat", "own"):
                    env = {**os.environ, "SDK_DIR": place, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
                    more = judge(sdk, name, upstream, run(*command, root, upstream, *CASES, env=env))
                    held, wrong = held + more[0], wrong + more[1]
        finally:
            for process in processes:
                process.send_signal(signal.SIGTERM)
                process.wait()
    print(f"{held} passed, {wrong} failed, {skipped} skipped")
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
