package checker

import (
	"fmt"
	"slices"
	"time"

	"github.com/scanlogin/scanlogin/test/chaos/history"
)

// requests checks that a page's authorization request is known for as long as it lasts, unless Redis
// may have lost it.
func requests(events []history.Event, faults []history.Fault) (all []Violation) {
	made := make(map[string]history.Event)
	for _, e := range events {
		if e.Action == history.Authorize && e.Answer == history.OK {
			made[e.Request] = e
		}
	}
	for _, e := range events {
		began, known := made[e.Request]
		if !known || !isWithoutRequest(e) || e.Return+tolerance >= began.Call+began.Lifetimes.Request || isLossy(began.Call, e.Return, faults) {
			continue
		}
		all = append(all, Violation{
			Rule: "authorization request unknown too early", Code: e.Code, Events: []history.Event{began, e},
			Text: fmt.Sprintf("%s did not find the request of %v, which lasts %v", e.Action, began.Call, began.Lifetimes.Request),
		})
	}
	return all
}

// isWithoutRequest reports whether a page was told that there is no such authorization request.
func isWithoutRequest(e history.Event) bool {
	switch e.Action {
	case history.Gene, history.Check:
		return e.Answer == history.NoRequest
	case history.Close:
		return e.Answer == history.NoRequestClose
	case history.Connect:
		return e.HTTP == 400
	}
	return false
}

// isLossy reports whether a fault in a period may have lost writes.
func isLossy(from, to time.Duration, faults []history.Fault) bool {
	return slices.ContainsFunc(faults, func(f history.Fault) bool {
		return f.Lossy && from < f.To+lossAfter && f.From-lossBefore < to
	})
}
