package kv_test

import (
	"testing"

	"github.com/scanlogin/scanlogin/internal/kv"
	"github.com/scanlogin/scanlogin/internal/kv/kvtest"
)

func TestMemoryConformance(t *testing.T) {
	kvtest.Run(t, func(*testing.T) (a, b kv.Store) {
		m := kv.NewMemory()
		return m, m
	})
}
