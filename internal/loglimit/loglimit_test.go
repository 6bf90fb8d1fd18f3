package loglimit_test

import (
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scanlogin/scanlogin/internal/loglimit"
)

func TestOneLinePerKeyAndInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		l := loglimit.New(slog.New(slog.NewTextHandler(&out, nil)), time.Minute)
		for range 1000 {
			l.Log(t.Context(), slog.LevelWarn, "a", "refused", "pool", "a")
			l.Log(t.Context(), slog.LevelWarn, "b", "refused", "pool", "b")
		}
		if n := strings.Count(out.String(), "refused"); n != 2 || strings.Contains(out.String(), "suppressed") {
			t.Fatalf("%d lines: %s", n, out.String())
		}
		out.Reset()
		time.Sleep(time.Minute)
		for range 10 {
			l.Log(t.Context(), slog.LevelWarn, "a", "refused", "pool", "a")
		}
		if text := out.String(); strings.Count(text, "refused") != 1 || !strings.Contains(text, "suppressed=999") {
			t.Errorf("after the interval: %s", text)
		}
	})
}

func TestMemoryForKeysIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		l := loglimit.New(slog.New(slog.NewTextHandler(&out, nil)), time.Minute)
		for i := range 100_000 {
			l.Log(t.Context(), slog.LevelWarn, strconv.Itoa(i), "refused")
		}
		if n := strings.Count(out.String(), "refused"); n > 1001 {
			t.Errorf("%d lines of 100,000 keys in one interval", n)
		}
		time.Sleep(time.Minute)
		out.Reset()
		l.Log(t.Context(), slog.LevelWarn, "new", "refused")
		if !strings.Contains(out.String(), "refused") {
			t.Error("a new key is not logged after the interval")
		}
	})
}
