package server

import (
	"context"
	"encoding/json"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"
)

// Bounds of what a client sends.
const (
	maxMessage = 4 << 10 // bytes of one message (B.1)
	maxRate    = 10      // messages a second; a page sends one when somebody clicks
)

// serve reads until the socket ends. It is the socket's one lasting goroutine.
func (k *socket) serve(bye *farewell) {
	defer k.srv.sockets.wg.Done()
	if bye == nil {
		k.kick()
		bye = k.read()
	}
	if bye != nil {
		_ = k.conn.Close(bye.code, bye.reason)
	}
	_ = k.conn.CloseNow()
	k.srv.sockets.remove(k)
	k.leaveGate()
	k.gone.Store(true)
	k.kick() // a writer must leave the hub
}

func (k *socket) leaveGate() {
	if k.entered {
		k.srv.gates.leave(k.address)
	}
}

// read takes the client's messages; it returns how to close if the client broke
// the rules, nil if the connection has ended.
func (k *socket) read() *farewell {
	var second int64
	var inSecond int
	for {
		kind, text, err := k.conn.Read(context.Background())
		if err != nil {
			return nil
		}
		if now := time.Now().Unix(); now != second {
			second, inSecond = now, 0
		}
		inSecond++
		var in struct {
			Action string `json:"action"`
		}
		switch {
		case inSecond > maxRate:
			return &farewell{websocket.StatusPolicyViolation, "too many messages"}
		case kind != websocket.MessageText:
			return &farewell{websocket.StatusPolicyViolation, "text messages only"}
		case !utf8.Valid(text):
			return &farewell{websocket.StatusInvalidFramePayloadData, "not UTF-8"}
		case json.Unmarshal(text, &in) != nil:
			return &farewell{websocket.StatusPolicyViolation, "not a JSON object"}
		case in.Action != "refresh" || !k.open:
			return &farewell{websocket.StatusPolicyViolation, "unknown action"}
		}
		k.refresh.Store(true)
		k.kick()
	}
}
