package server

import (
	"encoding/json"
	"errors"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"
)

// Bounds of what a client sends.
const (
	maxMessage = 4 << 10 // bytes of one message (B.1)
	maxRate    = 10      // messages a second; a page sends one when somebody clicks
)

// serve begins a socket, or ends it at once. From then on one goroutine reads, or
// the socket waits in the poller.
func (k *socket) serve(bye *farewell) {
	if bye != nil {
		k.begun()
		k.end(bye)
		return
	}
	k.kick()
	k.read()
}

// come reads after a wait in the poller.
func (k *socket) come() {
	k.wire.look()
	k.read()
}

// read takes what the client has sent, until nothing more is there.
func (k *socket) read() {
	for {
		kind, text, err := k.wire.message(k.conn)
		switch {
		case errors.Is(err, errQuiet):
			if k.srv.sockets.poller.wait(k) {
				return
			}
			k.wire.look()
			continue
		case errors.Is(err, errFlood):
			k.end(byeFlood)
			return
		case err != nil:
			k.end(nil)
			return
		}
		if bye := k.take(kind, text); bye != nil {
			k.end(bye)
			return
		}
	}
}

// end ends the socket, with a farewell if the connection has not ended already.
func (k *socket) end(bye *farewell) {
	if bye != nil {
		k.wire.part(k.conn, bye)
	}
	_ = k.conn.CloseNow()
	k.srv.sockets.remove(k)
	k.leaveGate()
	k.gone.Store(true)
	k.kick() // the last writer
}

func (k *socket) leaveGate() {
	if k.entered {
		k.srv.gates.leave(k.address)
	}
}

// take takes one message of the client's; it returns how to close if that broke
// the rules.
func (k *socket) take(kind websocket.MessageType, text []byte) *farewell {
	if now := time.Now().Unix(); now != k.second {
		k.second, k.inSecond = now, 0
	}
	k.inSecond++
	var in struct {
		Action string `json:"action"`
	}
	switch {
	case k.inSecond > maxRate:
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
	return nil
}
