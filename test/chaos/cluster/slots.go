package cluster

import (
	"context"
	"math/rand/v2"
)

// MoveSlots moves the slots of up to n keys from one master of a Redis Cluster to
// another, key by key while both serve requests, as redis-cli does.
func (r *Redis) MoveSlots(ctx context.Context, rnd *rand.Rand, n int) error {
	from := rnd.IntN(len(r.Servers))
	to := (from + 1 + rnd.IntN(len(r.Servers)-1)) % len(r.Servers)
	for range n {
		key, err := r.Servers[from].Do(ctx, "RANDOMKEY")
		if err != nil {
			return err
		}
		if key == nil {
			return nil // nothing to move
		}
		slot, err := r.Servers[from].Do(ctx, "CLUSTER", "KEYSLOT", key)
		if err != nil {
			return err
		}
		if err := r.moveSlot(ctx, r.Servers[from], r.Servers[to], slot); err != nil {
			return err
		}
	}
	return nil
}

func (r *Redis) moveSlot(ctx context.Context, from, to *Server, slot any) error {
	ids := make(map[*Server]any, 2)
	for _, s := range []*Server{from, to} {
		id, err := s.Do(ctx, "CLUSTER", "MYID")
		if err != nil {
			return err
		}
		ids[s] = id
	}
	if _, err := to.Do(ctx, "CLUSTER", "SETSLOT", slot, "IMPORTING", ids[from]); err != nil {
		return err
	}
	if _, err := from.Do(ctx, "CLUSTER", "SETSLOT", slot, "MIGRATING", ids[to]); err != nil {
		return err
	}
	if err := migrate(ctx, from, to, slot); err != nil {
		return err
	}
	// The new owner first: otherwise the slot has no owner for a moment.
	for _, s := range append([]*Server{to, from}, r.Servers...) {
		if _, err := s.Do(ctx, "CLUSTER", "SETSLOT", slot, "NODE", ids[to]); err != nil {
			return err
		}
	}
	return nil
}

func migrate(ctx context.Context, from, to *Server, slot any) error {
	for {
		keys, err := from.Do(ctx, "CLUSTER", "GETKEYSINSLOT", slot, 10)
		list, _ := keys.([]any)
		if err != nil || len(list) == 0 {
			return err
		}
		for _, key := range list {
			if _, err := from.Do(ctx, "MIGRATE", "127.0.0.1", to.port, key, 0, 5000); err != nil {
				return err
			}
		}
	}
}
