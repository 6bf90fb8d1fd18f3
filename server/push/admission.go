package push

import "errors"

// MaxHandshakes is how many handshakes run at once. The others wait in a queue in which
// their addresses take turns. The number keeps both cores of a small machine and the
// connections to Redis busy.
//
// When all pages of a node that died come at once, those whose handshakes run have their
// first status soon, and the others cost nothing yet. If all handshakes began together, all
// would be late, and pages that gave up would come again, for the price of another page. Of
// 18,000 pages at once (`bench storm`) all are back after about 5 s; without the queue it
// took 23 s and 62,000 refused handshakes.
//
// A handshake runs for as long as the store takes (1.8 s at most), and ends before the first
// message is written.
const MaxHandshakes = 64

// Reasons to refuse handshakes that wait.
var (
	errStoreSilent = errors.New("the store does not answer the handshakes that run")
	errShutdown    = errors.New("the node is shutting down")
)
