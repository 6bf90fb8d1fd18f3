package wsconn

import (
	"errors"
	"sync"
	"time"
)

// collectTime is how long peers have to answer their last message before the answers are
// collected. A browser reports the end of the connection that much later, but has the message
// at once.
const collectTime = 50 * time.Millisecond

// collector reads what peers answer to their last message. It does so for all connections that
// end within collectTime together: to wake the process once for many answers costs less than to
// wake it for each. The zero value is ready.
type collector struct {
	mu     sync.Mutex
	ending []*Conn // not empty: collect will be called
}

// add has the answer of a connection collected, which waits in no poller and is read by nothing.
func (all *collector) add(c *Conn) {
	all.mu.Lock()
	defer all.mu.Unlock()
	if all.ending = append(all.ending, c); len(all.ending) == 1 {
		time.AfterFunc(collectTime, all.collect)
	}
}

// collect closes the connections whose peers have answered. The others wait in the poller.
func (all *collector) collect() {
	all.mu.Lock()
	ending := all.ending
	all.ending = nil
	all.mu.Unlock()
	answer := make([]byte, maxControlFrame)
	for _, c := range ending {
		n, err := c.transport.readNow(answer)
		switch {
		case err == nil && !isFrame(answer[:n], closeByte): // and what follows it
			c.transport.putBack(answer[:n])
			go c.resume()
		case errors.Is(err, errWouldBlock):
			if !c.transport.group.poller.wait(c) {
				go c.resume()
			}
		default:
			c.end()
		}
	}
}
