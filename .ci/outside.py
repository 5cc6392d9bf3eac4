"""outside.py PACKAGE FOLDER FEATURES: makes a crate in FOLDER that has the examples of an unpacked package and depends on it by path.

Its other dependencies are those of the package that an example names, so it shows what a stranger must add.
"""
import json
import re
import shutil
import sys
import tomllib
from pathlib import Path

package, folder, features = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3].split()
manifest = tomllib.loads((package / "Cargo.toml").read_text())
name = manifest["package"]["name"]
shutil.copytree(package / "examples", folder / "examples")
code = "\n".join(file.read_text() for file in (folder / "examples").rglob("*.rs"))

dependencies = {}
for table in [manifest, *manifest.get("target", {}).values()]:
    for kind in ("dependencies", "dev-dependencies"):
        for crate, value in table.get(kind, {}).items():
            value = {"version": value} if isinstance(value, str) else dict(value, optional=False)
            # Cargo adds the features of both kinds.
            value["features"] = sorted({*dependencies.get(crate, {}).get("features", []), *value.get("features", [])})
            dependencies[crate] = value
dependencies.pop(name, None)
named = {crate: value for crate, value in dependencies.items() if re.search(rf"\b{crate.replace('-', '_')}(::|!|;)", code)}
named[name] = {"path": str(package), "features": features}


def toml(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml(item)}" for key, item in value.items()) + " }"
    return json.dumps(value)


lines = ["[package]", 'name = "outside"', f"edition = {toml(manifest['package']['edition'])}", "[workspace]", "[lib]", 'path = "lib.rs"', "[dependencies]"]
lines += [f"{crate} = {toml(value)}" for crate, value in named.items()]
for example in manifest.get("example", []):
    lines += ["[[example]]", *(f"{key} = {toml(example[key])}" for key in ("name", "path", "crate-type") if key in example)]
(folder / "Cargo.toml").write_text("\n".join(lines) + "\n")
(folder / "lib.rs").write_text("")
print("examples: written with", ", ".join(sorted(named)))
