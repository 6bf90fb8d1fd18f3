#!/bin/sh
# Bundles the sources in src/ into the module that the server delivers, with esbuild, a Go
# program: no Node is needed. Usage: build.sh <output file>
set -eu
out=$(realpath "$1")
cd "$(dirname "$0")"
# The licenses of third parties require their text in every copy.
banner="/*! scanlogin, Apache License 2.0. Generated from web/src by web/build.sh. Contains:

$(cat third_party/NOTICE)
*/"
# The targets are the browsers that docs/website.md names.
targets=chrome123,firefox120,safari17.5
styles=$(mktemp -d)
trap 'rm -rf "$styles"' EXIT
go tool esbuild src/styles.css --minify --target=$targets --log-level=warning --outfile="$styles/styles.css"
go tool esbuild src/scanlogin.js --bundle --minify --format=esm --loader:.css=text \
  --alias:lean-qr/nano=./third_party/lean-qr/nano.mjs --alias:styles.css="$styles/styles.css" --banner:js="$banner" \
  --target=$targets --log-level=warning --outfile="$out"
