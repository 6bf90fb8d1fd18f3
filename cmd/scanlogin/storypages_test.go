package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/coder/websocket"
)

// watch opens a page for the code on the next node, if this kind of login has one. wait
// returns when the page is done.
func (s *story) watch(kind int) (wait func() error, err error) {
	switch kind {
	case 6:
		socket, err := s.dial("random=" + s.code)
		if err != nil {
			return nil, err
		}
		if err := s.readUntil(socket, "waiting"); err != nil {
			return nil, err
		}
		return func() error {
			defer socket.CloseNow()
			err := s.readUntil(socket, "")
			if websocket.CloseStatus(err) == websocket.StatusNormalClosure {
				return nil
			}
			return err
		}, nil
	case 7:
		return s.stream()
	}
	return func() error { return nil }, nil
}

func (s *story) dial(query string) (*websocket.Conn, error) {
	s.n++
	address := s.nodes[s.n%len(s.nodes)].url + "/api/v2/qrcode/ws?" + query
	socket, _, err := websocket.Dial(s.ctx, strings.Replace(address, "http", "ws", 1), nil)
	return socket, err
}

// readUntil reads messages up to an event, and counts new codes and pushed steps.
func (s *story) readUntil(socket *websocket.Conn, until string) error {
	ctx, cancel := context.WithTimeout(s.ctx, testDeadline)
	defer cancel()
	for {
		var message struct{ Event, Random string }
		_, text, err := socket.Read(ctx)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(text, &message); err != nil {
			return err
		}
		s.countEvent(message.Event)
		if message.Event == "code" {
			s.code = message.Random
		}
		if message.Event == until {
			return nil
		}
	}
}

func (s *story) countEvent(event string) {
	switch event {
	case "code":
		s.want.count(s.want.made, s.pool)
	case "scanned", "confirmed", "canceled":
		s.want.count(s.want.pushed, s.pool)
	}
}

// stream is watch with server-sent events.
func (s *story) stream() (wait func() error, err error) {
	s.n++
	req, err := http.NewRequestWithContext(s.ctx, http.MethodGet, s.nodes[s.n%len(s.nodes)].url+"/api/v2/qrcode/events?random="+s.code, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(resp.Body)
	next := func() bool {
		for lines.Scan() {
			if text, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				var message struct{ Event string }
				if err = json.Unmarshal([]byte(text), &message); err == nil {
					s.countEvent(message.Event)
				}
				return err == nil
			}
		}
		return false
	}
	if !next() {
		return nil, fmt.Errorf("the stream of %s is empty: %w", s.code, errors.Join(err, lines.Err()))
	}
	return func() error {
		defer resp.Body.Close()
		for next() {
		}
		return errors.Join(err, lines.Err())
	}, nil
}

// refresh is a page that makes a code and asks for another one.
func (s *story) refresh(afterScan bool) error {
	s.pool = "two" // its codes do not expire during the test
	socket, err := s.dial("userPoolId=" + s.pool)
	if err != nil {
		return err
	}
	defer socket.CloseNow()
	if err := s.readUntil(socket, "code"); err != nil {
		return err
	}
	if afterScan {
		if err := s.step("scanned"); err != nil {
			return err
		}
		if err := s.readUntil(socket, "scanned"); err != nil {
			return err
		}
	}
	if err := socket.Write(s.ctx, websocket.MessageText, []byte(`{"action":"refresh"}`)); err != nil {
		return err
	}
	s.want.count(s.want.ended, s.status, "withdrawn", s.pool)
	s.want.count(s.want.ended, "waiting", "expired", s.pool) // the second
	return s.readUntil(socket, "code")
}
