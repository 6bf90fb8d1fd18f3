package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/scanlogin/scanlogin/internal/config"
	"github.com/scanlogin/scanlogin/internal/kv"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/settings"
)

// WithPoolEditor calls use with an editor of the settings that the nodes of a configuration
// share. The editor logs to log.
func WithPoolEditor(ctx context.Context, c *config.Config, log *slog.Logger, use func(*settings.Editor) error) error {
	switch {
	case c.RedisURL == "":
		return errors.New("redis_url is not set: without Redis, changed settings are in the memory of the server; change them in its console, at /console on ops_listen")
	case c.Console == nil:
		return errors.New("console is not configured, so nodes do not read changed settings; `scanlogin console-token` prints what to add")
	}
	client, err := openRedis(c)
	if err != nil {
		return err
	}
	defer client.Close()
	editor := settings.NewEditor(c, pool.NewRegistry(c.UserPools...), kv.NewRedis(client), log)
	if err := editor.Read(ctx); err != nil {
		return fmt.Errorf("redis does not answer: %w", err)
	}
	return use(editor)
}
