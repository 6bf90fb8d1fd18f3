//go:build !linux

package wsconn

// poller waits for bytes on idle connections without a goroutine for each, on Linux. Here
// all of them wait inside the library.
type poller struct{}

func (*poller) wait(*Conn) bool         { return false }
func (*poller) take(*Conn) bool         { return false }
func (*poller) forget(*transport) *Conn { return nil }
func (*poller) close()                  {}

// collector has nothing to do: no connection is taken out of the poller.
type collector struct{}

func (*collector) add(*Conn) {}

func (*Conn) pingNow() bool { return false }
