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

// world is where stories happen: nodes, any of which may be dead just now.
type world struct {
	ctx    context.Context
	client *http.Client
	nodes  []*node
	lost   atomic.Int64 // calls of gene whose answer never came: codes that nobody knows
}

// answer is the envelope with what stories need of its data.
type answer struct {
	Code int
	Data struct {
		Random, BrowserKey, Ticket string
		Status, Version            int
	}
}

// call asks some node once.
func (w *world) call(method, path string, header http.Header, body any) (a answer, err error) {
	text, err := json.Marshal(body)
	if err != nil {
		return a, err
	}
	node := w.nodes[rand.N(len(w.nodes))]
	req, err := http.NewRequestWithContext(w.ctx, method, node.address+"/api/v2/qrcode/"+path, bytes.NewReader(text))
	if err != nil {
		return a, err
	}
	req.Header = header.Clone()
	req.Header.Set("Content-Type", "application/json")
	req.SetBasicAuth(poolID, poolSecret)
	resp, err := w.client.Do(req)
	if err != nil {
		return a, err
	}
	defer resp.Body.Close()
	return a, json.NewDecoder(resp.Body).Decode(&a)
}

// insist asks until a node answers with anything but "busy".
func (w *world) insist(method, path string, header http.Header, body any) (answer, error) {
	for {
		a, err := w.call(method, path, header, body)
		if err == nil && a.Code != 1000 {
			return a, nil
		}
		if path == "gene" {
			w.lost.Add(1)
		}
		select {
		case <-w.ctx.Done():
			return a, errors.Join(err, w.ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// live makes a code, takes some steps with it, and returns its name and what the
// store says in the end about what happened.
func (w *world) live(n int) (random, truth string, err error) {
	made, err := w.insist(http.MethodPost, "gene", http.Header{}, map[string]any{"userPoolId": poolID})
	if err != nil || made.Code != http.StatusOK {
		return "", "", fmt.Errorf("gene: %d, %w", made.Code, err)
	}
	random = made.Data.Random
	key := http.Header{"X-Browser-Key": {made.Data.BrowserKey}}
	phone := map[string]any{"random": random, "user": map[string]any{"id": fmt.Sprint("user", n), "nickname": "U"}}
	// Whether a step succeeds is not asked: a node may die with it, or time be over.
	for _, step := range [][]string{{}, {"scanned"}, {"scanned", "cancel"}, {"scanned", "confirm"}, {"scanned", "confirm", "userinfo"}}[n%5] {
		path, body := step, phone
		if step == "userinfo" {
			at, err := w.insist(http.MethodGet, "check?random="+random, key, nil)
			if err != nil {
				return random, "", err
			}
			body = map[string]any{"ticket": at.Data.Ticket}
		}
		if _, err := w.insist(http.MethodPost, path, http.Header{}, body); err != nil {
			return random, "", err
		}
		time.Sleep(rand.N(500 * time.Millisecond)) // people take their time
	}
	truth, err = w.end(random, key)
	return random, truth, err
}

// end waits until a code is over, and returns the types of all that happened.
func (w *world) end(random string, key http.Header) (string, error) {
	for {
		a, err := w.insist(http.MethodGet, "check?random="+random, key, nil)
		if err != nil {
			return "", err
		}
		switch at := a.Data; {
		case a.Code != http.StatusOK:
			return "", fmt.Errorf("check: %d", a.Code)
		case at.Status == 3:
			return "canceled made scanned", nil
		case at.Status == 2 && at.Ticket == "": // the site sees it as long as it can be exchanged
			return "confirmed exchanged made scanned", nil
		case at.Status == -1:
			return []string{"expired made", "expired made scanned", "confirmed expired made scanned"}[at.Version-2], nil
		}
		select {
		case <-w.ctx.Done():
			return "", w.ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}
