#!/usr/bin/env bash
# Looks for known vulnerabilities. It fails if the program calls vulnerable code. Findings
# in the packages of the end-to-end tests are only printed: nothing of them is distributed. A
# database that cannot be reached is reported, and is no failure.
set -euo pipefail
cd "$(dirname "$0")/.."
out=$(mktemp)
trap 'rm -f "$out"' EXIT

database=${GOVULNDB:-https://vuln.go.dev}
if curl --silent --fail --max-time 10 --output "$out" "$database/index/db.json"; then
  go run golang.org/x/vuln/cmd/govulncheck@v1.9.0 ./cmd/scanlogin
else
  echo "govulncheck: NOT CHECKED, the database cannot be reached"
fi

if [ -d test/e2e/node_modules ]; then
  npm audit --prefix test/e2e --json >"$out" 2>/dev/null || true
else # package-lock.json suffices
  npm audit --prefix test/e2e --package-lock-only --json >"$out" 2>/dev/null || true
fi
node -e '
const text = require("fs").readFileSync(process.argv[1], "utf8")
let report = {}
try { report = JSON.parse(text) } catch {}
if (!report.auditReportVersion) console.log("npm audit: NOT CHECKED, the registry has no answer")
else {
  const found = Object.values(report.vulnerabilities ?? {})
  console.log(`npm audit: ${found.length} packages of the end-to-end tests have known vulnerabilities`)
  for (const v of found) console.log(`  ${v.name} ${v.range}: ${v.severity}`)
}' "$out"
