#!/bin/sh
# Bundles the sources of the console in src/ into the module that its pages load, with esbuild, a Go
# program: no Node is needed. Usage: build.sh <output file>
set -eu
out=$(realpath "$1")
cd "$(dirname "$0")"
# The license of uPlot requires its text in every copy.
banner="/*! scanlogin, Apache License 2.0. Generated from web/console/src by web/console/build.sh. Contains:

$(cat ../third_party/uplot/banner.txt)
*/"
# The element that tries a pool is loaded only then.
exec go tool esbuild src/console.js --bundle --minify --format=esm --external:./scanlogin.js \
  --alias:uplot=../third_party/uplot/dist/uPlot.esm.js --banner:js="$banner" \
  --target=chrome123,firefox120,safari17.5 --log-level=warning --outfile="$out"
