package queue_test

import (
	"testing"

	"github.com/scanlogin/scanlogin/queue"
	"github.com/scanlogin/scanlogin/queue/queuetest"
)

func TestMemoryKeepsTheLaw(t *testing.T) {
	queuetest.Run(t, func(*testing.T) (a, b queue.Queue) {
		m := queue.NewMemory()
		return m, m
	})
}
