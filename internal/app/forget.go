package app

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/scanlogin/scanlogin/internal/authorization"
	"github.com/scanlogin/scanlogin/internal/config"
	"github.com/scanlogin/scanlogin/internal/kv"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/ratelimit"
	"github.com/scanlogin/scanlogin/internal/webhook"
	"github.com/scanlogin/scanlogin/internal/webhook/queue"
)

// Forgotten is the number of records that Forget removed.
type Forgotten struct {
	Browsers int // that the user had confirmed for
	Logins   int // at OAuth clients; their tokens are no longer accepted
	Webhook  webhook.Forgotten
}

// ErrCannotForget means that Forget has nothing that it could search.
var ErrCannotForget = errors.New("nothing was removed")

// Forget removes what the nodes that share a configuration store about a user of a pool
// beyond the end of a code. The result is valid also with an error; Forget may be repeated.
func Forget(ctx context.Context, c *config.Config, poolID, userID string) (Forgotten, error) {
	if c.RedisURL == "" {
		return Forgotten{}, fmt.Errorf("%w: redis_url is not set. Without Redis, everything is in the memory of the server, and restarting it removes everything about all users", ErrCannotForget)
	}
	i := slices.IndexFunc(c.UserPools, func(p *pool.Pool) bool { return p.ID == poolID })
	if i < 0 {
		return Forgotten{}, fmt.Errorf("%w: the configuration has no pool %q", ErrCannotForget, poolID)
	}
	client, err := openRedis(c)
	if err != nil {
		return Forgotten{}, err
	}
	f, err := forget(ctx, ratelimit.NewRedis(client), queue.NewRedis(client), c.UserPools[i], userID)
	if err == nil {
		f.Logins, err = kv.NewRedis(client).DeleteWhere(ctx, authorization.LoginsOf(poolID, userID))
	}
	return f, errors.Join(err, client.Close())
}

// forget removes the counters of a user, the browsers and the webhook messages.
func forget(ctx context.Context, counts *ratelimit.Redis, q queue.Queue, p *pool.Pool, userID string) (f Forgotten, err error) {
	var resets []ratelimit.Op
	for _, label := range []string{"user", "cancels", "pause"} {
		for _, key := range p.Pseudonyms(label, userID) {
			resets = append(resets, ratelimit.Reset(key))
		}
	}
	if _, err := counts.Do(ctx, resets...); err != nil {
		return f, err
	}
	if f.Browsers, err = counts.Forget(ctx, p.Pseudonyms("browsers", userID)...); err != nil {
		return f, err
	}
	f.Webhook, err = webhook.Forget(ctx, q, p.ID, userID)
	return f, err
}
