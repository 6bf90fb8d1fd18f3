#!/bin/sh
# Bundles the sources in src/ into the module that the server delivers, with esbuild, a Go
# program: no Node is needed. Usage: build.sh <output file>
set -eu
out=$(realpath "$1")
cd "$(dirname "$0")"
# The licenses of third parties require their text in every copy.
banner="/*! scanlogin, Apache License 2.0. Generated from web/src by web/build.sh. Contains:

$(cat third_party/lean-qr/banner.txt)
*/"
# The targets are the browsers that docs/website.md names.
exec go tool esbuild src/scanlogin.js --bundle --minify --format=esm --loader:.css=text \
  --alias:lean-qr/nano=./third_party/lean-qr/nano.mjs --banner:js="$banner" \
  --target=chrome123,firefox120,safari17.5 --log-level=warning --outfile="$out"
