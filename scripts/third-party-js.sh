#!/usr/bin/env bash
# Copies the third-party JavaScript of the bundles from npm to web/third_party: pinned versions,
# verified by npm's checksum. The copies are committed, so that building needs no network and no
# Node. To update a package, change its line here, run this script, then `make web`.
set -euo pipefail
cd "$(dirname "$0")/../web/third_party"

# package version license checksum files
packages=(
  'lean-qr 2.7.4 LICENSE sha512-tlMPFfqhAAZN7+j/djRSvl/2+AYT2+7RRuyq8bvcbV8gMiENiscquQ9WTfCSyeEdxsVaEB+tU7e9nFZC63BFnQ== index.d.ts nano.mjs'
  'uplot 1.6.32 LICENSE sha512-KIMVnG68zvu5XXUbC4LQEPnhwOxBuLyW1AHtpm6IKTXImkbLgkMy+jabjLgSLMasNuGGzQm/ep3tOkyTxpiQIw== dist/uPlot.d.ts dist/uPlot.esm.js dist/uPlot.min.css'
  'qr 0.7.0 LICENSE-MIT sha512-/VrrACmOAwZVipuRITwfEwOL5oAMEHH5PTmBWaGtlTom2Thxaa+rhmna4zU9PRN2uLw2wdccbkHOLGZb1Q9SdA== decode.d.ts decode.js index.d.ts index.js'
)

temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT
for line in "${packages[@]}"; do
  read -r name version license checksum files <<<"$line"
  archive=$temporary/$(cd "$temporary" && npm pack --silent "$name@$version")
  actual=sha512-$(node -p 'require("crypto").createHash("sha512").update(require("fs").readFileSync(process.argv[1])).digest("base64")' "$archive")
  if [ "$actual" != "$checksum" ]; then
    echo "$name@$version has the checksum $actual, not $checksum" >&2
    exit 1
  fi
  rm -rf "$name"
  mkdir "$name"
  tar -xzOf "$archive" "package/$license" >"$name/LICENSE"
  for file in $files; do
    mkdir -p "$(dirname "$name/$file")"
    tar -xzOf "$archive" "package/$file" >"$name/$file"
  done
  {
    printf '%s %s, https://www.npmjs.com/package/%s\n\n' "$name" "$version" "$name"
    cat "$name/LICENSE"
  } >"$name/banner.txt"
done
rm -f NOTICE
find . -type f ! -name SHA256SUMS -printf '%P\n' | LC_ALL=C sort | xargs sha256sum >SHA256SUMS
