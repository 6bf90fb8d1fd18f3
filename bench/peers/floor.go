package peers

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/redis/go-redis/v9"
)

// Echo serves POST /gene/<random> and POST /scanned/<random> with Echo and only the Redis calls
// of scanlogin, one for each: the scripts from the directory of redisstore, called by EVALSHA
// with the arguments of a scan.
func Echo(ctx context.Context, listen, address, scripts string) error {
	options, err := redis.ParseURL(address)
	if err != nil {
		return err
	}
	client := redis.NewClient(options)
	defer client.Close()
	create, err1 := script(scripts, "create.lua")
	apply, err2 := script(scripts, "apply.lua")
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	answer := Status("")
	run := func(c echo.Context, script *redis.Script, outcome string, args []any) error {
		did, err := script.Run(c.Request().Context(), client, []string{"floor:2:{" + c.Param("random") + "}"}, args...).Slice()
		if err != nil {
			return err
		}
		if did[1] != outcome {
			return echo.NewHTTPError(http.StatusConflict, did[1])
		}
		return c.JSON(http.StatusOK, map[string]any{"code": http.StatusOK, "message": "Success", "data": answer})
	}
	e := echo.New()
	e.POST("/gene/:random", func(c echo.Context) error {
		return run(c, create, "created", createArgs())
	})
	e.POST("/scanned/:random", func(c echo.Context) error {
		var body struct{ Random string }
		if err := c.Bind(&body); err != nil {
			return err
		}
		return run(c, apply, "applied", scanArgs(body.Random))
	})
	return serve(ctx, listen, e)
}

// operation is as long as an operation id of scanlogin.
const operation = "0123456789abcdefghijkl"

// createArgs returns arguments of create.lua, as long as those of scanlogin.
func createArgs() []any {
	end := time.Now().Add(10 * time.Minute)
	state := `{"version":"1","op":"created","expiresAt":"` + strconv.FormatInt(end.UnixMilli(), 10) + `","status":"0","pool":"bench","secretId":"` +
		strings.Repeat("s", 11) + `","credential":"ticket:` + strings.Repeat("c", 43) + `"}`
	return []any{operation, state, strings.Repeat("f", 300), strings.Repeat("p", 180), end.UnixMilli(), Status("")}
}

// scanArgs returns the arguments of apply.lua for a scan: one row with two guards and six writes.
func scanArgs(random string) []any {
	row := []any{
		2, "status", "=", "0", "pool", "=", "bench",
		"userId", "set", "user 1234", "shown", "put", `,"u":"user 1234","n":"user 1234"`, "rest", "put", "",
		"scannedAt", "time", 0, "expiresAt", "extend", 60_000, "status", "set", "1",
		`{"id":"` + random + `","v":<version>,"op":"<op>","s":<status><shown>,"e":<expiresAt>,"t":<scannedAt>}`,
	}
	return append([]any{operation, 90_000, len(row)}, row...)
}

func script(dir, name string) (*redis.Script, error) {
	text, err := os.ReadFile(filepath.Join(dir, name))
	return redis.NewScript(string(text)), err
}
