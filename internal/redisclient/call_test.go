package redisclient

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestCallEndsWithItsContextEvenIfTheClientDoesNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck := make(chan struct{})
		defer close(stuck)
		began := time.Now()
		_, err := Call(t.Context(), new(Client), func(context.Context) (string, error) {
			<-stuck // ignores its context
			return "late", nil
		})
		if took := time.Since(began); took != CallTimeout || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v after %v", err, took)
		}
		if got, err := Call(t.Context(), new(Client), func(context.Context) (string, error) { return "in time", nil }); got != "in time" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	})
}

func TestCallSetsADeadline(t *testing.T) {
	for _, bounded := range []bool{true, false} {
		left, err := Call(t.Context(), &Client{bounded: bounded}, func(ctx context.Context) (time.Duration, error) {
			deadline, ok := ctx.Deadline()
			if !ok {
				return 0, errors.New("no deadline")
			}
			return time.Until(deadline), nil
		})
		if err != nil || left > CallTimeout {
			t.Errorf("bounded %v: %v left, %v", bounded, left, err)
		}
	}
}
