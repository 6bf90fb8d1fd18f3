// Package loglimit limits how often the same message is logged.
//
// It guarantees that the first line of a key is written at once, that a key is written at
// most once per interval, and that the next line contains the number of suppressed lines.
// Use it for messages that clients can cause, such as refused requests.
package loglimit

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// maxKeys bounds the number of stored keys, with about 100 bytes each. Further keys share
// one line per interval.
const maxKeys = 1000

// Logger writes to a [slog.Logger]. Create it with New.
type Logger struct {
	log   *slog.Logger
	every time.Duration

	mu    sync.Mutex
	keys  map[string]*entry
	swept time.Time // when expired keys were last removed
}

type entry struct {
	last       time.Time
	suppressed int
}

// New returns a Logger that writes one line per key and interval (every).
func New(log *slog.Logger, every time.Duration) *Logger {
	return &Logger{log: log, every: every, keys: make(map[string]*entry)}
}

// Log writes msg like [slog.Logger.Log], unless a line with the same key was written less
// than an interval ago. The attribute suppressed is the number of lines that were left out
// since then; it is absent if there were none.
func (l *Logger) Log(ctx context.Context, level slog.Level, key, msg string, args ...any) {
	if suppressed, ok := l.allow(key, time.Now()); ok {
		if suppressed > 0 {
			args = append(args[:len(args):len(args)], "suppressed", suppressed)
		}
		l.log.Log(ctx, level, msg, args...)
	}
}

func (l *Logger) allow(key string, now time.Time) (suppressed int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at, known := l.keys[key]
	if !known && len(l.keys) >= maxKeys && now.Sub(l.swept) >= l.every {
		l.swept = now
		l.removeExpired(now)
	}
	if !known && len(l.keys) >= maxKeys {
		key = ""
		at, known = l.keys[key]
	}
	if !known {
		l.keys[key] = &entry{last: now}
		return 0, true
	}
	if now.Sub(at.last) < l.every {
		at.suppressed++
		return 0, false
	}
	suppressed = at.suppressed
	*at = entry{last: now}
	return suppressed, true
}

// removeExpired removes the keys without a line in the last interval. l.mu is held.
func (l *Logger) removeExpired(now time.Time) {
	for key, at := range l.keys {
		if now.Sub(at.last) >= l.every {
			delete(l.keys, key)
		}
	}
}
