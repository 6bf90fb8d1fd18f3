#!/usr/bin/env bash
# Acts as the app: examples/app.sh scanned CODE, then confirm or cancel. The page prints CODE to the
# browser's console. Like the app's own back end, it vouches for its user with the pool's secret.
set -euo pipefail
curl --silent --show-error --user "${SCANLOGIN_POOL:-example}:$EXAMPLE_SECRET" \
  --header 'Content-Type: application/json' \
  --data "{\"random\":\"$2\",\"user\":{\"id\":\"u1\",\"nickname\":\"Alice\",\"email\":\"alice@example.com\"}}" \
  "${SCANLOGIN_URL:-http://127.0.0.1:8080}/api/v2/qrcode/$1"
