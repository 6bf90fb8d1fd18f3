// Package loglimit bounds how often one thing is logged.
//
// It guarantees that the first line of a key is written at once, that each key is
// written at most once in an interval, and that the next line tells how many
// were left out. A caller that others can make log something, such as a refused
// call, logs through it.
package loglimit

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// maxKeys bounds how many keys are remembered, of some 100 bytes each. Beyond
// it, all new keys share one line in an interval.
const maxKeys = 1000

// Logger writes to a [slog.Logger]. Make it with New.
type Logger struct {
	log   *slog.Logger
	every time.Duration

	mu   sync.Mutex
	keys map[string]*line
	full time.Time // when keys was last searched for quiet ones
}

type line struct {
	last       time.Time
	suppressed int
}

// New returns a Logger that writes one line of each key in every.
func New(log *slog.Logger, every time.Duration) *Logger {
	return &Logger{log: log, every: every, keys: make(map[string]*line)}
}

// Log writes msg as [slog.Logger.Log] does, unless a line with the same key was written
// less than an interval ago. The attribute suppressed is how many lines were
// left out since that one; it is absent if none was.
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
	if !known && len(l.keys) >= maxKeys && now.Sub(l.full) >= l.every {
		l.full = now
		l.forget(now)
	}
	if !known && len(l.keys) >= maxKeys {
		key = ""
		at, known = l.keys[key]
	}
	if !known {
		l.keys[key] = &line{last: now}
		return 0, true
	}
	if now.Sub(at.last) < l.every {
		at.suppressed++
		return 0, false
	}
	suppressed = at.suppressed
	*at = line{last: now}
	return suppressed, true
}

// forget drops the keys that were quiet for an interval; l.mu is held.
func (l *Logger) forget(now time.Time) {
	for key, at := range l.keys {
		if now.Sub(at.last) >= l.every {
			delete(l.keys, key)
		}
	}
}
