package redisstore

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestACallEndsWithItsContextWhateverTheClientDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), CallTimeout)
		defer cancel()
		stuck := make(chan struct{})
		defer close(stuck)
		began := time.Now()
		_, err := bounded(ctx, new(Store), func(context.Context) (string, error) {
			<-stuck // heeds nothing
			return "late", nil
		})
		if took := time.Since(began); took != CallTimeout || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v after %v", err, took)
		}
		if got, err := bounded(t.Context(), new(Store), func(context.Context) (string, error) { return "in time", nil }); got != "in time" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	})
}
