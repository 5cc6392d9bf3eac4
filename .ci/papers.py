"""papers.py PACKAGE…: the papers of unpacked packages can be read without the repository, and their manifests say what a
registry shows.

A page of a registry or of docs.rs resolves no relative link without a repository's address, so there are none. What a paper
calls by its path is in the package.
"""
import re
import sys
import tomllib
from pathlib import Path

wrong = []
for package in map(Path, sys.argv[1:]):
    for paper in sorted(package.rglob("*.md")):
        text = paper.read_text()
        headings = {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in re.findall(r"^#+ (.*)$", text, re.M)}
        prose = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
        links = re.findall(r"\]\(<?([^)>\s]+)", prose) + re.findall(r"^\[[^\]]+\]:\s*<?(\S+?)>?$", prose, re.M)
        for link in links:
            if link.startswith("#") and link[1:] not in headings:
                wrong.append(f"{paper}: no heading for {link}")
            elif not re.match(r"#|https?://", link):
                wrong.append(f"{paper}: the link {link} needs the repository")
        for path in re.findall(r"`((?:docs|tests|benches|fuzz|\.ci|examples|guide|src)/[\w./-]*)`", prose):
            if not (package / path).exists():
                wrong.append(f"{paper}: {path} is not in the package")
    whole = tomllib.loads((package / "Cargo.toml").read_text())
    manifest, features = whole["package"], whole.get("features", {})
    optional = sorted({*features} - {"default", "internals", *features.get("default", [])})
    if optional != sorted(manifest.get("metadata", {}).get("docs", {}).get("rs", {}).get("features", [])):
        wrong.append(f"{package}: docs.rs should show the features {optional}")
    for key in ("description", "license", "readme", "keywords", "categories", "rust-version"):
        if not manifest.get(key):
            wrong.append(f"{package}: Cargo.toml has no {key}")
print("\n".join(wrong) or "papers: none needs the repository")
sys.exit(bool(wrong))
