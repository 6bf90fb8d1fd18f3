package server

import (
	"strings"
	"time"

	"github.com/scanlogin/scanlogin/internal/login"
)

// quietFor is how often a line of one kind is logged that each request can cause.
const quietFor = 10 * time.Second

// kindOf is what errors of one kind have in common: the row of the table, and the kind of
// its cause. There are few kinds.
func kindOf(err error) string {
	return strings.TrimSpace(rowOf(err).name + " " + login.ErrorKind(err))
}
