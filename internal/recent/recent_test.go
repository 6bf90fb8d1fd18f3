package recent

import (
	"sync"
	"testing"
)

func TestTheLastValuesAreRemembered(t *testing.T) {
	const size = 4
	c := New[int, string](size)
	for i := range 100 {
		c.Put(i, "old")
		c.Put(i, "new")
		for j := max(0, i-size+1); j <= i; j++ {
			if v, ok := c.Get(j); !ok || v != "new" {
				t.Errorf("after %d values, %d is %q, %v", i+1, j, v, ok)
			}
		}
		if n := len(c.young) + len(c.old); n > 2*size {
			t.Fatalf("%d values are kept", n)
		}
	}
	if v, ok := c.Get(0); ok {
		t.Errorf("the first value is still %q", v)
	}
}

func TestConcurrentUse(t *testing.T) {
	c := New[int, int](10)
	var users sync.WaitGroup
	for range 4 {
		users.Go(func() {
			for i := range 1000 {
				c.Put(i, i)
				if v, ok := c.Get(i); ok && v != i {
					t.Errorf("%d is %d", i, v)
				}
			}
		})
	}
	users.Wait()
}
