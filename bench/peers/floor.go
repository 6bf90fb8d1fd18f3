package peers

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/coder/websocket"
	"github.com/labstack/echo/v4"
	"github.com/redis/go-redis/v9"
)

// Socket serves coder/websocket alone at /ws: a page receives one message as long
// as a status, and then a ping every 25 s. There are no codes, and nodes share
// nothing.
func Socket(ctx context.Context, listen string) error {
	first := []byte(Status(""))
	return serve(ctx, listen, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return // Accept has answered
		}
		defer conn.CloseNow()
		ctx := conn.CloseRead(ctx)
		if conn.Write(ctx, websocket.MessageText, first) != nil {
			return
		}
		every := time.NewTicker(Heartbeat)
		defer every.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-every.C:
			}
			if conn.Ping(ctx) != nil {
				return
			}
		}
	}))
}

// Status returns a message as long as scanlogin's message with the ticket.
func Status(ticket string) string {
	return `{"event":"confirmed","random":"` + strings.Repeat("r", 30) + `","status":2,"userInfo":{"nickname":"user 1234","photo":""},` +
		`"ticket":"` + ticket + `","scannedUserId":"user 1234","version":3,"expiresIn":3599.999,"isBrowser":true}`
}

// Echo serves POST /gene/<random> and POST /scanned/<random> with Echo and only the
// Redis calls of scanlogin: the scripts from the directory of redisstore, called by
// EVALSHA with arguments of the same length.
func Echo(ctx context.Context, listen, address, scripts string) error {
	options, err := redis.ParseURL(address)
	if err != nil {
		return err
	}
	client := redis.NewClient(options)
	defer client.Close()
	load, err1 := script(scripts, "previous_load.lua")
	swap, err2 := script(scripts, "previous_swap.lua")
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	session, announcement := strings.Repeat("s", 700), Status("")
	swapTo := func(c echo.Context, version int) error {
		end := time.Now().Add(time.Minute).UnixMilli()
		did, err := swap.Run(c.Request().Context(), client, []string{"floor:{" + c.Param("random") + "}"}, version, "0123456789abcdef", end, session, end, announcement).Slice()
		if err != nil {
			return err
		}
		if did[1] != "done" {
			return echo.NewHTTPError(http.StatusConflict, did[1])
		}
		return c.JSON(http.StatusOK, map[string]any{"code": http.StatusOK, "message": "Success", "data": announcement})
	}
	e := echo.New()
	e.POST("/gene/:random", func(c echo.Context) error { return swapTo(c, 1) })
	e.POST("/scanned/:random", func(c echo.Context) error {
		var body struct{ Random string }
		if err := c.Bind(&body); err != nil {
			return err
		}
		if err := load.Run(c.Request().Context(), client, []string{"floor:{" + c.Param("random") + "}"}).Err(); err != nil {
			return err
		}
		return swapTo(c, 2)
	})
	return serve(ctx, listen, e)
}

func script(dir, name string) (*redis.Script, error) {
	text, err := os.ReadFile(filepath.Join(dir, name))
	return redis.NewScript(string(text)), err
}
