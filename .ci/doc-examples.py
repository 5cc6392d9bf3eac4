#!/usr/bin/env python3
"""Lists the public items of core that no example shows: neither one on the item's own page nor one on another page.

    cargo doc -p openai-shim-core --no-deps --features std-context,testing
    .ci/doc-examples.py target/doc/openai_shim_core
"""

import html
import pathlib
import re
import sys

# Items that need no example, with the reason.
EXCEPTIONS = {
    "all.html": "a list of pages",
    "guide/index.html": "its pages are examples",
    "profile/struct.Auth.html": "the example of its layer sets and reads it",
    "profile/struct.EndpointPaths.html": "the example of its layer sets it",
}

root = pathlib.Path(sys.argv[1])
pages = {}
for path in root.rglob("*.html"):
    text = path.read_text()
    if 'http-equiv="refresh"' not in text:
        examples = re.findall(r'<pre class="rust rust-example-rendered"><code>(.*?)</code></pre>', text, re.S)
        pages[str(path.relative_to(root))] = " ".join(html.unescape(re.sub(r"<[^>]*>", "", e)) for e in examples)

shown = " ".join(pages.values())
types = set(re.findall(r"\b\w+\b", shown))
modules = set(re.findall(r"\b(\w+)(?=::)", shown))


def is_shown(page):
    *folders, file = page.split("/")
    # The parts of a dialect's payloads: the module's example builds and reads whole ones.
    if folders[-1:] == ["wire"] and pages["/".join([*folders, "index.html"])]:
        return True
    if file == "index.html":
        return not folders or folders[-1] in modules
    return file.split(".")[1] in types


missing = sorted(page for page, example in pages.items() if not example and not is_shown(page) and page not in EXCEPTIONS)
own = sum(bool(example) for example in pages.values())
print(f"{len(pages)} pages, {own} with an example of their own, {len(missing)} of items that no example shows")
for page in missing:
    print(f"  {page}")
stale = [page for page in EXCEPTIONS if page not in pages or pages[page]]
for page in stale:
    print(f"  {page}: no longer an exception")
sys.exit(bool(missing or stale))
