package redisstore

import (
	"context"

	"github.com/scanlogin/scanlogin/internal/redisclient"
	"github.com/scanlogin/scanlogin/session"
)

// LoadPrevious loads a code of the previous release in one round trip, as that release does.
func (s *Store) LoadPrevious(ctx context.Context, id session.ID) (session.Session, error) {
	return s.loadPrevious(ctx, id)
}

// Swap implements sessiontest.PreviousStore. With redisclient.Options.WaitReplicas, a swap to Redeemed
// succeeds only if as many replicas acknowledge it. With too few in time it fails although
// it is done: the ticket is spent.
func (s *Store) Swap(ctx context.Context, next session.Session, op session.OpID) error {
	// See applyOnce.
	wait := s.client.WaitReplicas() > 0 && next.Status == session.Redeemed
	_, err := redisclient.Call(ctx, s.client, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, s.swap(ctx, next, op, wait)
	})
	return err
}
