#!/bin/sh
# Bundles a module that the server delivers from its sources, with esbuild, a Go program: no Node
# is needed. Usage: build.sh scanlogin.js|phone.js|decoder.js <output file>
set -eu
out=$(realpath "$2")
cd "$(dirname "$0")"
contains='' # third-party packages
case $1 in
  scanlogin.js) source=src/scanlogin.js contains=lean-qr ;;
  phone.js) source=phone/phone.ts ;; # the demo's phone, with the phone kit of clients/phone
  decoder.js) source=phone/decoder.ts contains=qr ;; # loaded by phone.js where the browser has no BarcodeDetector
  *) echo "unknown module $1" >&2; exit 1 ;;
esac
banner="/*! scanlogin, Apache License 2.0. Generated from web/$source by web/build.sh."
# The licenses of third parties require their text in every copy.
[ -z "$contains" ] || banner="$banner Contains:

$(cat "third_party/$contains/banner.txt")
"
banner="$banner */"
# The targets are the browsers that docs/website.md names.
exec go tool esbuild "$source" --bundle --minify --format=esm --loader:.css=text \
  --alias:lean-qr/nano=./third_party/lean-qr/nano.mjs --alias:qr/decode.js=./third_party/qr/decode.js \
  --banner:js="$banner" --target=chrome123,firefox120,safari17.5 --log-level=warning --outfile="$out"
