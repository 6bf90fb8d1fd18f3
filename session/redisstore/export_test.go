package redisstore

import (
	"context"

	"github.com/scanlogin/scanlogin/session"
)

// LoadPrevious loads a code of the previous release in one round trip, as that release does.
func (s *Store) LoadPrevious(ctx context.Context, id session.ID) (session.Session, error) {
	return s.loadPrevious(ctx, id)
}
