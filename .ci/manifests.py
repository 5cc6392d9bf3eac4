#!/usr/bin/env python3
"""Checks manifests against the program: .ci/manifests.py BINARY RULES (needs PyYAML and jsonschema).

The Compose file follows its schema; the configuration in the ConfigMap is one that the program accepts, with the files that
the Deployment mounts; the dashboard and the alert rules use no metric that /metrics does not document. Writes the
dashboard's queries as rules, for promtool.
"""
import json, pathlib, re, subprocess, sys, tempfile

import compose, jsonschema, yaml

binary, rules, root = sys.argv[1], sys.argv[2], pathlib.Path(__file__).resolve().parent.parent
deploy, faults = root / "docs/deploy", []

schema = json.loads((pathlib.Path(compose.__file__).parent / "config/compose_spec.json").read_text())
jsonschema.validate(yaml.safe_load((root / "compose.yaml").read_text()), schema)

objects = list(yaml.safe_load_all((deploy / "kubernetes/openai-shim.yaml").read_text()))
by_kind = {one["kind"]: one for one in objects}
config = by_kind["ConfigMap"]["data"]["config.toml"]
secret = yaml.safe_load((deploy / "kubernetes-secret.example.yaml").read_text())["stringData"]
mounts = by_kind["Deployment"]["spec"]["template"]["spec"]["containers"][0]["volumeMounts"]
mounted = next(mount["mountPath"] for mount in mounts if mount["name"] == "secrets")
with tempfile.TemporaryDirectory() as folder:
    for name, value in secret.items():
        pathlib.Path(folder, name).write_text(value)
    path = pathlib.Path(folder, "config.toml")
    path.write_text(config.replace(mounted, folder))
    checked = subprocess.run([binary, "check", "--config", path], capture_output=True, text=True)
    if checked.returncode:
        faults.append(f"the ConfigMap's configuration is refused:\n{checked.stderr}")

documented = set(re.findall(r"openai_shim_\w+", (root / "docs/operations.md").read_text()))
documented |= {name + suffix for name in documented for suffix in ("_bucket", "_sum", "_count")}
dashboard = json.loads((deploy / "grafana.json").read_text())
panels = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
for panel in panels:
    if not panel.get("title", "").endswith("?"):
        faults.append(f"the panel {panel.get('title')!r} asks no question")
queries = [target["expr"].replace("$__rate_interval", "5m") for panel in panels for target in panel["targets"]]
recorded = [{"record": f"panel:query:{n}", "expr": query} for n, query in enumerate(queries)]
pathlib.Path(rules).write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": recorded}]}))
used = {"grafana.json": json.dumps(dashboard), "alerts.yaml": (deploy / "prometheus/alerts.yaml").read_text()}
for file, text in used.items():
    for metric in sorted(set(re.findall(r"\bopenai_shim_\w+", text)) - documented):
        faults.append(f"{file}: docs/operations.md has no metric {metric}")

print(f"{len(objects)} objects, {len(panels)} panels")
sys.exit("\n".join(faults) or 0)
