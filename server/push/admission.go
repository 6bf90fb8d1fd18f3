package push

import "errors"

// MaxHandshakes is how many handshakes run at once; the others wait in slots, and the
// addresses that wait are served in turn. It keeps both cores of a small machine
// and the connections to Redis busy.
//
// When all pages of a node that died come at once, those that are in have their
// first status soon and the others cost nothing yet; if all were begun together,
// all would be late, and those that gave up would come again for the price of a
// page. Of 18,000 pages at once (`bench storm`) all are back after some 5 s;
// without a queue they were after 23 s, having been refused 62,000 times.
//
// A place is held for as long as the store takes (login.storeTime at most), and for one
// write to the connection (handshakeWriteTime).
const MaxHandshakes = 64

// Why handshakes that wait are refused.
var (
	errNoStore = errors.New("the store does not answer the handshakes that run")
	errLeaving = errors.New("the node is leaving")
)
