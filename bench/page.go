package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/coder/websocket"
)

// page is a login page with an open socket.
type page struct {
	conn   *websocket.Conn
	name   string // of what it waits for: the code, or the channel
	answer bool   // whether heartbeats are messages, which it has to answer
}

// dialer opens pages of one kind, from an address of this machine's loopback
// network: between two addresses there are 28,000 connections at most.
type dialer struct {
	kind   kind
	url    string
	client *http.Client
}

// sources is how many of its own addresses the machine uses.
const sources = 16

func newDialers(k kind, url string) []*dialer {
	all := make([]*dialer, sources)
	for i := range all {
		d := &net.Dialer{Timeout: callTime, LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(2+i))}}
		all[i] = &dialer{k, url, &http.Client{Transport: &http.Transport{DialContext: d.DialContext}}}
	}
	return all
}

// open opens a page and waits until it is told how things stand or, where a
// server does not tell, that it will be: for nchan, that it is connected.
func (d *dialer) open(ctx context.Context, name string) (*page, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	p := &page{name: name, answer: d.kind == centrifuge}
	address, options := d.url+"/ws", &websocket.DialOptions{HTTPClient: d.client}
	switch d.kind {
	case scanlogin:
		address = d.url + api + "ws?userPoolId=bench"
		options.Subprotocols = []string{"scanlogin.v1"}
	case nchan:
		address += "/" + name
	}
	var err error
	if p.conn, _, err = websocket.Dial(ctx, address, options); err != nil {
		return nil, err
	}
	if err := p.greet(ctx, d.kind); err != nil {
		_ = p.conn.CloseNow()
		return nil, err
	}
	return p, nil
}

func (p *page) greet(ctx context.Context, k kind) error {
	switch k {
	case scanlogin:
		text, err := p.await(ctx, `"event":"code"`)
		if err != nil {
			return err
		}
		var code struct{ Random string }
		if err := json.Unmarshal(text, &code); err != nil {
			return err
		}
		p.name = code.Random
		_, err = p.await(ctx, `"event":"waiting"`)
		return err
	case centrifuge:
		hello := fmt.Sprintf("{\"id\":1,\"connect\":{}}\n{\"id\":2,\"subscribe\":{\"channel\":%q}}", p.name)
		if err := p.conn.Write(ctx, websocket.MessageText, []byte(hello)); err != nil {
			return err
		}
		_, err := p.await(ctx, `"subscribe":{`)
		return err
	case socket:
		_, err := p.await(ctx, `"event"`)
		return err
	}
	return nil
}

// await reads until a message has the text, and answers heartbeats.
func (p *page) await(ctx context.Context, text string) ([]byte, error) {
	for {
		_, message, err := p.conn.Read(ctx)
		if err != nil {
			return nil, fmt.Errorf("instead of %s: %w", text, err)
		}
		if bytes.Contains(message, []byte(text)) {
			return message, nil
		}
		if p.answer && strings.TrimSpace(string(message)) == "{}" {
			if err := p.conn.Write(ctx, websocket.MessageText, []byte("{}")); err != nil {
				return nil, err
			}
		}
		if bytes.Contains(message, []byte(`"error":{`)) {
			return nil, errors.New(string(message))
		}
	}
}
