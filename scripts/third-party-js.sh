#!/usr/bin/env bash
# Copies the third-party JavaScript of the bundle from npm to web/third_party: pinned versions,
# verified by npm's checksum. The copies are committed, so that building needs no network and no
# Node. To update a package, change its line here, run this script, then `make web`.
set -euo pipefail
cd "$(dirname "$0")/../web/third_party"

# package version checksum files
packages=(
  'lean-qr 2.7.4 sha512-tlMPFfqhAAZN7+j/djRSvl/2+AYT2+7RRuyq8bvcbV8gMiENiscquQ9WTfCSyeEdxsVaEB+tU7e9nFZC63BFnQ== LICENSE index.d.ts nano.mjs'
)

temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT
: >NOTICE
for line in "${packages[@]}"; do
  read -r name version checksum files <<<"$line"
  archive=$temporary/$(cd "$temporary" && npm pack --silent "$name@$version")
  actual=sha512-$(node -p 'require("crypto").createHash("sha512").update(require("fs").readFileSync(process.argv[1])).digest("base64")' "$archive")
  if [ "$actual" != "$checksum" ]; then
    echo "$name@$version has the checksum $actual, not $checksum" >&2
    exit 1
  fi
  rm -rf "$name"
  mkdir "$name"
  for file in $files; do
    tar -xzOf "$archive" "package/$file" >"$name/$file"
  done
  printf '%s %s, https://www.npmjs.com/package/%s\n\n' "$name" "$version" "$name" >>NOTICE
  cat "$name/LICENSE" >>NOTICE
done
find . -type f ! -name SHA256SUMS -printf '%P\n' | LC_ALL=C sort | xargs sha256sum >SHA256SUMS
