#!/bin/sh
# Bundles a module that the server delivers from its sources, with esbuild, a Go program: no Node
# is needed. Usage: build.sh scanlogin.js|phone.js|decoder.js|console.js <output file>
set -eu
out=$(realpath "$2")
cd "$(dirname "$0")"
contains='' # third-party package
external='' # module that is loaded only when it is needed
case $1 in
  scanlogin.js) source=src/scanlogin.js contains=lean-qr ;;
  phone.js) source=phone/phone.ts ;; # the demo's phone, with the phone kit of clients/phone
  decoder.js) source=phone/decoder.ts contains=qr ;; # loaded by phone.js where the browser has no BarcodeDetector
  console.js) source=console/src/console.js contains=uplot external=--external:./scanlogin.js ;;
  *) echo "unknown module $1" >&2; exit 1 ;;
esac
banner="/*! scanlogin, Apache License 2.0. Generated from web/$source by web/build.sh."
# The licenses of third parties require their text in every copy.
[ -z "$contains" ] || banner="$banner Contains:

$(cat "third_party/$contains/banner.txt")
"
banner="$banner */"
# The targets are the browsers that docs/website.md names.
targets=chrome123,firefox120,safari17.5
styles=$(mktemp -d)
trap 'rm -rf "$styles"' EXIT
go tool esbuild src/styles.css --minify --target=$targets --log-level=warning --outfile="$styles/styles.css"
go tool esbuild "$source" --bundle --minify --format=esm --loader:.css=text \
  --alias:lean-qr/nano=./third_party/lean-qr/nano.mjs --alias:qr/decode.js=./third_party/qr/decode.js \
  --alias:uplot=./third_party/uplot/dist/uPlot.esm.js ${external:+"$external"} --alias:styles.css="$styles/styles.css" \
  --banner:js="$banner" --target=$targets --log-level=warning --outfile="$out"
