package authorization

import (
	"slices"
	"strings"
)

// Scope is a list of scopes, separated by single spaces (RFC 6749, 3.3).
type Scope string

// offlineAccess is the scope that grants refresh tokens (OIDC Core 11).
const offlineAccess = "offline_access"

// Has reports whether the list contains a scope.
func (s Scope) Has(name string) bool { return slices.Contains(strings.Fields(string(s)), name) }

// narrow returns requested, or s if nothing is requested; ErrScope if s does not include all of
// it (RFC 6749, 6).
func (s Scope) narrow(requested Scope) (Scope, error) {
	names := strings.Fields(string(requested))
	if len(names) == 0 {
		return s, nil
	}
	for _, name := range names {
		if !s.Has(name) {
			return "", ErrScope
		}
	}
	slices.Sort(names)
	return Scope(strings.Join(slices.Compact(names), " ")), nil
}

// Names returns the scopes of the list.
func (s Scope) Names() []string { return strings.Fields(string(s)) }
