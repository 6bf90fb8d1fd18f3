package login

import (
	"strings"
	"unicode/utf8"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session"
)

// linkPath is where the links of codes begin on the server.
const linkPath = "/s/"

// link returns the address of a code on this server. It names a pool that has apps, so that
// the association files can give each app the links of its pools only.
func (s *Service) link(p *pool.Pool, id session.ID) string {
	if p.Apps.Any() {
		return s.poolLink(p, id)
	}
	return s.publicURL + linkPath + string(id)
}

// readLink returns the code that a link of this server names. The error is
// session.ErrNotFound.
func (s *Service) readLink(text string) (codeName, error) {
	scheme, rest, _ := strings.Cut(text, "://")
	end := strings.IndexByte(rest, '/')
	if end < 0 || !s.isOwnOrigin(scheme, rest[:end]) {
		return codeName{}, session.ErrNotFound
	}
	path, ok := strings.CutPrefix(rest[end:], linkPath)
	if !ok {
		return codeName{}, session.ErrNotFound
	}
	if i := strings.IndexAny(path, "?#"); i >= 0 { // phones and messengers append them
		path = path[:i]
	}
	return readLinkPath(path)
}

// isOwnOrigin compares an origin with the server's, as browsers do: in any case, with or
// without the default port.
func (s *Service) isOwnOrigin(scheme, host string) bool {
	text := scheme + "://" + host
	if strings.ContainsFunc(text, func(r rune) bool { return r >= utf8.RuneSelf }) {
		return false // letters of other scripts have lower cases in ASCII
	}
	text = strings.ToLower(text)
	switch strings.ToLower(scheme) {
	case "https":
		text = strings.TrimSuffix(text, ":443")
	case "http":
		text = strings.TrimSuffix(text, ":80")
	}
	return text == s.publicURL
}

// readLinkPath reads what follows /s/. Two segments whose second is an id are pool and code.
// Otherwise the first segment is the code, and the rest is ignored.
func readLinkPath(path string) (codeName, error) {
	segments := strings.Split(path, "/")
	if len(segments) != 2 {
		return nameByID(segments[0])
	}
	id, err := session.ParseID(segments[1])
	switch {
	case err != nil:
		return nameByID(segments[0])
	case segments[0] == "":
		return codeName{}, session.ErrNotFound
	}
	return codeName{id: id, pool: segments[0]}, nil
}
