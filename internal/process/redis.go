package process

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// portAttempts is how many ports StartRedis tries: a port found free may be
// taken before redis-server binds it.
const portAttempts = 5

// Redis is a redis-server, or a compatible program, on 127.0.0.1.
type Redis struct {
	*Process
	Port int
}

// StartRedis starts a server on a free port and waits until it is ready. It
// keeps its data in dir and saves no snapshots unless args say so.
func StartRedis(ctx context.Context, dir, path string, args ...string) (*Redis, error) {
	config := filepath.Join(dir, "redis.conf")
	if err := os.WriteFile(config, nil, 0o600); err != nil { // Sentinel requires a file
		return nil, err
	}
	for attempt := 1; ; attempt++ {
		port, err := FreePort()
		if err != nil {
			return nil, err
		}
		all := append([]string{config, "--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--dir", dir, "--save", ""}, args...)
		r := &Redis{Process: New(dir, fmt.Sprint("redis", attempt), path, all...), Port: port}
		if err = r.StartAndAwait(ctx); err == nil {
			return r, nil
		}
		r.Kill()
		if output, _ := r.Output(); attempt == portAttempts || !bytes.Contains(output, []byte("Failed listening")) {
			return nil, err
		}
	}
}

// Addr returns host and port.
func (r *Redis) Addr() string { return address(r.Port) }

// URL returns the address in the form of the redis_url setting.
func (r *Redis) URL() string { return "redis://" + r.Addr() + "/0" }

// StartAndAwait starts the server and waits until this process answers on the
// port, not another one that took it, and has loaded its data.
func (r *Redis) StartAndAwait(ctx context.Context) error {
	if err := r.Start(); err != nil {
		return err
	}
	own := fmt.Sprintf("process_id:%d\r\n", r.PID())
	return r.Await(ctx, func(ctx context.Context) error {
		info, err := r.Do(ctx, "INFO")
		if err == nil && (!strings.Contains(info, own) || strings.Contains(info, "loading:1")) {
			err = errors.New("another server has the port, or the data is being loaded")
		}
		return err
	})
}

// callTime is how long one command or HTTP request may take.
const callTime = 5 * time.Second

// Do sends one command on a new connection. It supports replies that are a
// single line or one bulk string.
func (r *Redis) Do(ctx context.Context, words ...string) (string, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", r.Addr())
	if err != nil {
		return "", err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(callTime))
	var command strings.Builder
	fmt.Fprintf(&command, "*%d\r\n", len(words))
	for _, word := range words {
		fmt.Fprintf(&command, "$%d\r\n%s\r\n", len(word), word)
	}
	if _, err := io.WriteString(conn, command.String()); err != nil {
		return "", err
	}
	return readReply(bufio.NewReader(conn))
}

func readReply(in *bufio.Reader) (string, error) {
	line, err := in.ReadString('\n')
	line = strings.TrimSpace(line)
	switch {
	case err != nil:
		return "", err
	case strings.HasPrefix(line, "-"):
		return "", errors.New(line[1:])
	case !strings.HasPrefix(line, "$"):
		return line[1:], nil
	}
	size, err := strconv.Atoi(line[1:])
	if err != nil || size < 0 {
		return "", err
	}
	text := make([]byte, size)
	_, err = io.ReadFull(in, text)
	return string(text), err
}
