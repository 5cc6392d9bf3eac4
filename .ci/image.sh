#!/usr/bin/env bash
# .ci/image.sh: builds the last stage of Dockerfile around a static binary, without a network, and runs it as its user. The
# first stage, which compiles in an image of a registry, is replaced by .ci/static.sh. Exits with 77 without a builder.
set -euo pipefail
cd "$(dirname "$0")/.."
binary=$(.ci/static.sh)
if ! command -v buildah >/dev/null; then
  { apt-get update -q && apt-get install -y -q --no-install-recommends buildah; } >/dev/null 2>&1 || { echo "no buildah: skipped" >&2; exit 77; }
fi
work=$(mktemp -d); pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null || true; [ -z "${container:-}" ] || buildah rm "$container" >/dev/null; rm -rf "$work"' EXIT
export BUILDAH_ISOLATION=chroot STORAGE_DRIVER=vfs
mkdir "$work/stage" && cp "$binary" "$work/stage/openai-shim"
sed -n '/^FROM scratch/,$p' Dockerfile > "$work/Dockerfile"
buildah build --quiet --format docker --build-context "build=$work/stage" --file "$work/Dockerfile" --tag openai-shim-test "$work" > /dev/null
buildah inspect --type image openai-shim-test > "$work/image"
python3 - "$work/image" <<'P'
import json, sys
config = json.load(open(sys.argv[1]))["Docker"]["config"]
assert config["User"] == "65532:65532", config["User"]
assert config["Healthcheck"]["Test"][:2] == ["CMD", "/openai-shim"], config["Healthcheck"]
P
container=$(buildah from openai-shim-test)
root=$(buildah mount "$container")
[ "$(find "$root" -type f)" = "$root/openai-shim" ] || { echo "the image has other files than the program"; find "$root" -type f; exit 1; }
# As the image's user, with nothing else in reach than the image.
in_image=(env -i OPENAI_SHIM_LISTEN=127.0.0.1:8765 setpriv --no-new-privs --inh-caps=-all "$(command -v chroot)" --userspec=65532:65532 "$root" /openai-shim)
"${in_image[@]}" > "$work/out" 2>&1 & pid=$!
for _ in $(seq 50); do
  ! "${in_image[@]}" check --ready > /dev/null 2>&1 || { ready=yes; break; }
  sleep 0.1
done
[ "${ready:-}" = yes ] || { cat "$work/out"; echo "the image's program does not become ready"; exit 1; }
kill "$pid"; wait "$pid" || true; pid=
echo "$(stat -c %s "$binary") bytes, static; the image has one file"
