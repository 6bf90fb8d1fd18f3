package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

const api = "/api/v2/qrcode/"

// loginTime is how long an honest visitor's login may take: hundreds of times the
// time on an idle machine. A login that takes longer counts as refused.
const loginTime = 5 * time.Second

// arriveEvery is the interval between two honest visitors.
const arriveEvery = 150 * time.Millisecond

// visitors simulates honest visitors. Each has its own address, connects to one node,
// and has a phone and a site that call the other node.
type visitors struct {
	env  *environment
	pool string
	site caller
	next atomic.Int64

	mu      sync.Mutex
	open    []time.Duration // until the page has a code
	picture []time.Duration // until the page has the picture
	whole   []time.Duration // until the ticket is exchanged
	refused []string        // reasons of failed logins
	users   []string        // users who logged in
}

func newCrowd(env *environment) *visitors {
	c := &visitors{env: env, pool: env.pool}
	if c.pool == "" {
		c.pool = "bystander"
	}
	c.site = newSite(c.pool)
	return c
}

// arrive starts visitors until ctx ends, and waits for their logins.
func (c *visitors) arrive(ctx context.Context) {
	var visits sync.WaitGroup
	defer visits.Wait()
	tick := time.NewTicker(arriveEvery)
	defer tick.Stop()
	for {
		visits.Go(c.login)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// login performs the login of one visitor, from one of twenty networks.
func (c *visitors) login() {
	n := c.next.Add(1)
	ctx, cancel := context.WithTimeout(context.Background(), loginTime)
	defer cancel()
	began := time.Now()
	v := &visitor{visitors: c, address: fmt.Sprintf("127.0.%d.%d", 20+n%20, 1+n%250), user: fmt.Sprint("user", n)}
	err := v.performLogin(ctx, began)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.refused = append(c.refused, err.Error())
		return
	}
	c.open, c.picture, c.whole = append(c.open, v.open), append(c.picture, v.picture), append(c.whole, time.Since(began))
	c.users = append(c.users, v.user)
}

type visitor struct {
	*visitors
	address, user string
	open, picture time.Duration
}

func (v *visitor) performLogin(ctx context.Context, began time.Time) error {
	page, site := v.env.nodes[0], v.env.nodes[1]
	browser := &http.Client{Transport: &http.Transport{DialContext: dialer(v.address).DialContext, DisableKeepAlives: true}}
	socket, _, err := websocket.Dial(ctx, page.url()+api+"ws?userPoolId="+v.pool, &websocket.DialOptions{
		Subprotocols: []string{"scanlogin.v1"}, HTTPClient: browser,
	})
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	defer socket.CloseNow()
	code, err := await(ctx, socket, "code")
	if err != nil {
		return err
	}
	v.open = time.Since(began)
	asked := time.Now()
	if err := getPicture(ctx, browser, page.url(), code.Random); err != nil {
		return err
	}
	v.picture = time.Since(asked)
	body := map[string]any{"random": code.Random, "user": map[string]string{"id": v.user, "nickname": v.user}}
	for _, step := range []struct{ call, event string }{{"scanned", "scanned"}, {"confirm", "confirmed"}} {
		if _, err := v.site.post(ctx, site.url(), step.call, body); err != nil {
			return err
		}
		if code, err = await(ctx, socket, step.event); err != nil {
			return err
		}
	}
	data, err := v.site.post(ctx, site.url(), "userinfo", map[string]any{"ticket": code.Ticket})
	if err == nil && data["id"] != v.user {
		err = fmt.Errorf("the ticket of %s was exchanged for %v", v.user, data["id"])
	}
	return err
}

func getPicture(ctx context.Context, client *http.Client, url, random string) error {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, url+api+"image/"+random+".png", nil)
	if err != nil {
		return err
	}
	answer, err := client.Do(q)
	if err != nil {
		return fmt.Errorf("picture: %w", err)
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil || answer.StatusCode != http.StatusOK {
		return errors.Join(errors.New("picture: "+answer.Status), err)
	}
	return nil
}

// message is a message to a page.
type message struct{ Event, Random, Ticket string }

func await(ctx context.Context, socket *websocket.Conn, event string) (m message, err error) {
	for {
		_, text, err := socket.Read(ctx)
		if err != nil {
			return m, fmt.Errorf("no event %s: %w", event, err)
		}
		if err := json.Unmarshal(text, &m); err != nil {
			return m, err
		}
		if m.Event == event {
			return m, nil
		}
	}
}

// caller makes API calls.
type caller struct {
	client    *http.Client
	user, key string // Basic authentication; "": none
	agent     string // User-Agent; "": Go's
	forwarded string // X-Forwarded-For; "": none
}

// newSite returns the back end of a pool, which also vouches for phone users.
func newSite(pool string) caller {
	return caller{client: newClient(siteAddress), user: pool, key: secret}
}

// newClient returns a client that connects from one loopback address.
func newClient(from string) *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: dialer(from).DialContext, MaxIdleConnsPerHost: 64}}
}

var errRefused = errors.New("refused")

// post makes a call and returns the data of the answer. It returns errRefused if
// the code is not 200.
func (c caller) post(ctx context.Context, url, call string, body map[string]any) (map[string]any, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, url+api+call, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	q.Header.Set("Content-Type", "application/json")
	if c.agent != "" {
		q.Header.Set("User-Agent", c.agent)
	}
	if c.forwarded != "" {
		q.Header.Set("X-Forwarded-For", c.forwarded)
	}
	if c.key != "" {
		q.SetBasicAuth(c.user, c.key)
	}
	answer, err := c.client.Do(q)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", call, err)
	}
	defer answer.Body.Close()
	var envelope struct {
		Code    int            `json:"code"`
		Message string         `json:"message"`
		Data    map[string]any `json:"data"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&envelope); err != nil {
		return nil, fmt.Errorf("%s: %w", call, err)
	}
	if envelope.Code != http.StatusOK {
		return nil, fmt.Errorf("%s: %w: %d %s", call, errRefused, envelope.Code, envelope.Message)
	}
	return envelope.Data, nil
}

// quantile returns the q-quantile of durations in milliseconds, 0 for none.
func quantile(all []time.Duration, q float64) float64 {
	if len(all) == 0 {
		return 0
	}
	all = slices.Sorted(slices.Values(all))
	return float64(all[int(q*float64(len(all)-1))].Microseconds()) / 1000
}
