package server

import (
	"context"
	"errors"
	"regexp"
	"time"

	"github.com/scanlogin/scanlogin/internal/identity"
	"github.com/scanlogin/scanlogin/session"
)

// quietFor is how often a line of one kind is logged that each call can cause.
const quietFor = 10 * time.Second

// kindOf is what is the same in errors of one kind, and few in number: the row of
// the table, and below it what the store said, without the parts that differ from
// call to call.
func kindOf(err error) string {
	kind := rowOf(err).name
	switch {
	case errors.Is(err, identity.ErrUnavailable):
		return kind + " identity"
	case errors.Is(err, context.DeadlineExceeded):
		return kind + " deadline"
	case errors.Is(err, errCrowded):
		return kind + " crowded"
	case errors.Is(err, session.ErrFull):
		return kind + " full"
	}
	if reply := replyKind.FindString(err.Error()); reply != "" {
		return kind + " " + reply
	}
	return kind
}

// replyKind is how the errors of Redis begin, such as OOM, READONLY, NOREPLICAS.
var replyKind = regexp.MustCompile(`\b(OOM|READONLY|NOREPLICAS|MISCONF|NOPERM|NOAUTH|WRONGPASS|LOADING|MASTERDOWN|CLUSTERDOWN|BUSY)\b`)
