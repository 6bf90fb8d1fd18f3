package process

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
)

// BusPort is the offset of a Redis Cluster node's bus port from its port.
const BusPort = 10_000

// FreePort returns a port that is free on every address of this machine,
// together with its bus port. No port is also a possible bus port. Both are below the range of outgoing connections (32768 and up), which
// could otherwise take the port while its process is being restarted.
func FreePort() (int, error) {
	var err error
	for range 100 {
		port := 10_000 + rand.N(10_000)
		if err = errors.Join(canListen(port), canListen(port+BusPort)); err == nil {
			return port, nil
		}
	}
	return 0, err
}

func canListen(port int) error {
	l, err := net.Listen("tcp4", ":"+strconv.Itoa(port))
	if err != nil {
		return err
	}
	return l.Close()
}

func address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// HTTPStatus requests a URL on a new connection and returns the status code.
func HTTPStatus(ctx context.Context, url string) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	q.Close = true
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode, nil
}

// IsReady returns a check for Await: the URL must answer 200.
func IsReady(url string) func(context.Context) error {
	return func(ctx context.Context) error {
		status, err := HTTPStatus(ctx, url)
		if err == nil && status != http.StatusOK {
			err = errors.New(url + " answers " + strconv.Itoa(status))
		}
		return err
	}
}
