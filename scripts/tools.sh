#!/usr/bin/env bash
# Installs the programs that the tests need and this machine lacks (Debian and
# derivatives), or prints what is missing.
set -euo pipefail

# command: Debian package
needed=(
  redis-server:redis-server
  nginx:nginx-light
  haproxy:haproxy
  caddy:caddy
  chromium-headless-shell:chromium-headless-shell
  zbarimg:zbar-tools
  curl:curl
  git:git
  promtool:prometheus
  oidc-agent:oidc-agent-cli
)
missing=()
for pair in "${needed[@]}"; do
  PATH=$PATH:/usr/sbin command -v "${pair%%:*}" >/dev/null || missing+=("${pair##*:}")
done
[ -e /usr/lib/apache2/modules/mod_auth_openidc.so ] || missing+=(libapache2-mod-auth-openidc) # with apache2-bin, which has no service
/usr/bin/python3 -c 'import websockets' 2>/dev/null || missing+=(python3-websockets)
for tool in go node npm; do
  command -v "$tool" >/dev/null || { echo "install $tool first: see README.md" >&2; exit 1; }
done
cat <<TEXT
make test uses, beside Go and Node:
  Go modules and build results   in Go's caches, a few GB when they were empty
  npm packages                   in test/e2e/node_modules, about 100 MB, locked by package-lock.json
  Debian packages                ${missing[*]:-none is missing}
TEXT
[ ${#missing[@]} -eq 0 ] && exit 0

if ! command -v apt-get >/dev/null; then
  echo "the tests need the programs of these Debian packages: ${missing[*]}" >&2
  exit 1
fi
sudo=()
[ "$(id -u)" -eq 0 ] || sudo=(sudo)
echo "installing the Debian packages${sudo:+ with sudo}. Their services are neither started nor enabled at boot."
"${sudo[@]}" apt-get update -qq
# The packages' services must not run: RUNLEVEL=1 prevents their start, and services
# that the installation enables are disabled again.
enabled() {
  command -v systemctl >/dev/null || return 0
  systemctl --root=/ list-unit-files --state=enabled --no-legend --plain | cut -d' ' -f1 | sort
}
before=$(enabled)
"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "${missing[@]}"
for unit in $(comm -13 <(echo "$before") <(enabled)); do
  "${sudo[@]}" systemctl --root=/ disable --quiet "$unit"
done
left=$(comm -13 <(echo "$before") <(enabled))
[ -z "$left" ] || { echo "enabled at boot, although they should not be: $left" >&2; exit 1; }
