package queue_test

import (
	"testing"

	"github.com/scanlogin/scanlogin/internal/webhook/queue"
	"github.com/scanlogin/scanlogin/internal/webhook/queue/queuetest"
)

func TestMemoryConformance(t *testing.T) {
	queuetest.Run(t, func(*testing.T) (a, b queue.Queue) {
		m := queue.NewMemory()
		return m, m
	})
}
