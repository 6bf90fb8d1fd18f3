package fairqueue

import "container/list"

// queue is a queue whose keys are served in turn: pop returns the first value
// of the next key, however many values the others have. Each operation takes the
// same time whatever the queue holds, and a key without values takes no memory.
// It is not safe for concurrent use. The zero value is empty.
type queue[V any] struct {
	turns list.List // of *keyQueue[V]; the front is served next
	byKey map[string]*keyQueue[V]
	n     int
}

// keyQueue is what one key has in a queue, first in, first out.
type keyQueue[V any] struct {
	key    string
	turn   *list.Element // in turns
	values list.List     // of V
}

// queued is one value in a queue.
type queued[V any] struct {
	in *keyQueue[V]
	at *list.Element // in in.values
}

func (q *queue[V]) len() int { return q.n }

// push adds a value behind those of its key.
func (q *queue[V]) push(key string, v V) queued[V] {
	k := q.byKey[key]
	if k == nil {
		k = &keyQueue[V]{key: key}
		k.turn = q.turns.PushBack(k)
		if q.byKey == nil {
			q.byKey = make(map[string]*keyQueue[V])
		}
		q.byKey[key] = k
	}
	q.n++
	return queued[V]{k, k.values.PushBack(v)}
}

// pop removes the value whose turn it is; false if there is none.
func (q *queue[V]) pop() (v V, ok bool) {
	if q.n == 0 {
		return v, false
	}
	k := q.turns.Front().Value.(*keyQueue[V])
	v = k.values.Remove(k.values.Front()).(V)
	q.n--
	q.turns.MoveToBack(k.turn)
	q.drop(k)
	return v, true
}

// remove takes a value out of turn; false if it is no longer in the queue.
func (q *queue[V]) remove(e queued[V]) bool {
	before := e.in.values.Len()
	e.in.values.Remove(e.at)
	if e.in.values.Len() == before {
		return false
	}
	q.n--
	q.drop(e.in)
	return true
}

// drop forgets a key that has no values.
func (q *queue[V]) drop(k *keyQueue[V]) {
	if k.values.Len() == 0 {
		q.turns.Remove(k.turn)
		delete(q.byKey, k.key)
	}
}

// evict removes the last value of the key that has the most, unless one more of key
// would be as many; false then. It looks at all keys.
func (q *queue[V]) evict(key string) (v V, ok bool) {
	var longest *keyQueue[V]
	most := 1
	if k := q.byKey[key]; k != nil {
		most += k.values.Len()
	}
	for _, k := range q.byKey {
		if k.values.Len() > most {
			longest, most = k, k.values.Len()
		}
	}
	if longest == nil {
		return v, false
	}
	v = longest.values.Remove(longest.values.Back()).(V)
	q.n--
	q.drop(longest)
	return v, true
}
