package webhooks

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"time"
)

// clients simulates pages, phones and sites that call nodes, any of which may be
// down at the moment.
type clients struct {
	ctx    context.Context
	client *http.Client
	nodes  []*node
	lost   atomic.Int64 // gene calls without an answer, whose codes the client does not know
}

// answer is the envelope of an answer with the data that the test needs.
type answer struct {
	Code int
	Data struct {
		Random, BrowserKey, Ticket string
		Status, Version            int
	}
}

// call makes one call to a random node.
func (c *clients) call(method, path string, header http.Header, body any) (a answer, err error) {
	text, err := json.Marshal(body)
	if err != nil {
		return a, err
	}
	node := c.nodes[rand.N(len(c.nodes))]
	req, err := http.NewRequestWithContext(c.ctx, method, node.url+"/api/v2/qrcode/"+path, bytes.NewReader(text))
	if err != nil {
		return a, err
	}
	req.Header = header.Clone()
	req.Header.Set("Content-Type", "application/json")
	req.SetBasicAuth(poolID, poolSecret)
	resp, err := c.client.Do(req)
	if err != nil {
		return a, err
	}
	defer resp.Body.Close()
	return a, json.NewDecoder(resp.Body).Decode(&a)
}

// callUntilAnswered repeats a call until a node answers with a code other than
// 1000 (busy).
func (c *clients) callUntilAnswered(method, path string, header http.Header, body any) (answer, error) {
	for {
		a, err := c.call(method, path, header, body)
		if err == nil && a.Code != 1000 {
			return a, nil
		}
		if path == "gene" {
			c.lost.Add(1)
		}
		select {
		case <-c.ctx.Done():
			return a, errors.Join(err, c.ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// login creates a code and performs the n-th variation of a login. It returns the
// code and the event types that the store confirms.
func (c *clients) login(n int) (random, events string, err error) {
	made, err := c.callUntilAnswered(http.MethodPost, "gene", http.Header{}, map[string]any{"userPoolId": poolID})
	if err != nil || made.Code != http.StatusOK {
		return "", "", fmt.Errorf("gene: %d, %w", made.Code, err)
	}
	random = made.Data.Random
	key := http.Header{"X-Browser-Key": {made.Data.BrowserKey}}
	phone := map[string]any{"random": random, "user": map[string]any{"id": fmt.Sprint("user", n), "nickname": "U"}}
	// A step may fail: its node may die, or the code may expire.
	for _, step := range [][]string{{}, {"scanned"}, {"scanned", "cancel"}, {"scanned", "confirm"}, {"scanned", "confirm", "userinfo"}}[n%5] {
		path, body := step, phone
		if step == "userinfo" {
			at, err := c.callUntilAnswered(http.MethodGet, "check?random="+random, key, nil)
			if err != nil {
				return random, "", err
			}
			body = map[string]any{"ticket": at.Data.Ticket}
		}
		if _, err := c.callUntilAnswered(http.MethodPost, path, http.Header{}, body); err != nil {
			return random, "", err
		}
		time.Sleep(rand.N(500 * time.Millisecond)) // users take their time
	}
	events, err = c.awaitEnd(random, key)
	return random, events, err
}

// awaitEnd waits until a code has ended, and returns the types of its events.
func (c *clients) awaitEnd(random string, key http.Header) (string, error) {
	for {
		a, err := c.callUntilAnswered(http.MethodGet, "check?random="+random, key, nil)
		if err != nil {
			return "", err
		}
		switch at := a.Data; {
		case a.Code != http.StatusOK:
			return "", fmt.Errorf("check: %d", a.Code)
		case at.Status == 3:
			return "canceled made scanned", nil
		case at.Status == 2 && at.Ticket == "": // the site sees a ticket until it is exchanged
			return "confirmed exchanged made scanned", nil
		case at.Status == -1:
			return []string{"expired made", "expired made scanned", "confirmed expired made scanned"}[at.Version-2], nil
		}
		select {
		case <-c.ctx.Done():
			return "", c.ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}
