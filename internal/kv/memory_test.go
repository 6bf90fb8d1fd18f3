package kv_test

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scanlogin/scanlogin/internal/kv"
	"github.com/scanlogin/scanlogin/internal/kv/kvtest"
)

func TestMemoryConformance(t *testing.T) {
	kvtest.Run(t, func(*testing.T) (a, b kv.Store) {
		m := kv.NewMemory()
		return m, m
	})
}

// TestExpiredHashesAreDeleted looks at the memory that many short-lived hashes take.
func TestExpiredHashesAreDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := kv.NewMemory()
		for i := range 100_000 {
			if err := m.Put(t.Context(), strconv.Itoa(i), "x", "1", time.Now().Add(time.Second)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Millisecond)
		}
		if n := m.Len(); n > 4000 { // twice those of the last two seconds
			t.Errorf("%d hashes are kept, of which 1,000 have not expired", n)
		}
	})
}
