//go:build !linux

package server

// poller is where sockets wait for bytes without a goroutine, on Linux. Here all
// wait inside the library.
type poller struct{}

func (*poller) wait(*socket) bool    { return false }
func (*poller) forget(*wire) *socket { return nil }
func (*poller) close()               {}
