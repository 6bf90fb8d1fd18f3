//go:build !linux

package wsconn

func (*poller) len() int { return 0 }
