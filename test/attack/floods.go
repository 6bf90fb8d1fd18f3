package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// codeFlood creates many codes and counts them.
type codeFlood struct {
	networks int   // IPv6 /48 networks that the requests come from
	workers  int   // concurrent requests
	rate     int   // codes per second, at most
	most     int64 // codes in total; 0: no limit

	made, refused, failed atomic.Int64

	mu     sync.Mutex
	random []string // some of the codes
}

// run creates codes until ctx ends or most are created. Each request comes from
// another /64 network of the given number of IPv6 /48 networks.
func (f *codeFlood) run(ctx context.Context, env *environment) {
	client := newClient(proxyAddress)
	long := strings.Repeat("a", 500)
	var all sync.WaitGroup
	for k := range f.workers {
		all.Go(func() {
			tick := time.NewTicker(time.Second * time.Duration(f.workers) / time.Duration(f.rate))
			defer tick.Stop()
			for i := k; ctx.Err() == nil && (f.most == 0 || f.made.Load() < f.most); i += f.workers {
				by := caller{client: client, agent: long, forwarded: fmt.Sprintf("2001:db8:%x:%x::1", i%f.networks, i%0xffff)}
				data, err := by.post(ctx, env.nodes[i%2].url(), "gene", map[string]any{"userPoolId": "attacked", "customData": map[string]string{"a": long[:490]}})
				f.count(data, err)
				select {
				case <-ctx.Done():
				case <-tick.C:
				}
			}
		})
	}
	all.Wait()
}

func (f *codeFlood) count(data map[string]any, err error) {
	switch {
	case err == nil:
		f.made.Add(1)
		f.mu.Lock()
		defer f.mu.Unlock()
		if random, ok := data["random"].(string); ok && len(f.random) < 950 {
			f.random = append(f.random, random)
		}
	case errors.Is(err, errRefused):
		f.refused.Add(1)
	case !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded):
		f.failed.Add(1)
	}
}

func (f *codeFlood) record(env *environment) {
	env.record("codes created", float64(f.made.Load()))
	env.record("refused", float64(f.refused.Load()))
}

// storeFlood fills the store with codes. Before a short run, Redis is filled to
// three quarters: there is no time to create more codes than the rest.
func storeFlood(ctx context.Context, env *environment) error {
	if env.short {
		if _, err := env.redis.Do(ctx, "SETRANGE", "ballast", fmt.Sprint(180<<20), "x"); err != nil {
			return err
		}
	}
	f := codeFlood{networks: 1_000, workers: 64, rate: 2_500}
	var looking sync.WaitGroup
	most := 0.0
	looking.Go(func() {
		for pause(ctx, 250*time.Millisecond) {
			most = max(most, env.redisMemory(ctx))
		}
	})
	f.run(ctx, env)
	looking.Wait()
	f.record(env)
	env.record("peak use of Redis' memory (%)", most)
	return nil
}

// networkFlood uses up the open codes of a pool from one IPv6 /48.
func networkFlood(ctx context.Context, env *environment) error {
	f := codeFlood{networks: 1, workers: 64, rate: 3_000}
	f.run(ctx, env)
	f.record(env)
	return nil
}

// pictureFlood requests large pictures of 950 codes over 2,000 connections.
func pictureFlood(ctx context.Context, env *environment) error {
	f := codeFlood{networks: 50, workers: 32, rate: 1_000, most: 950}
	f.run(ctx, env)
	if ctx.Err() != nil {
		return errors.New("the codes could not be created in time")
	}
	var asked, failed atomic.Int64
	var all sync.WaitGroup
	for i := range 2_000 {
		all.Go(func() {
			client := &http.Client{Transport: &http.Transport{DialContext: dialer(fmt.Sprintf("127.0.3.%d", 1+i%4)).DialContext}}
			defer client.CloseIdleConnections()
			for ctx.Err() == nil {
				asked.Add(1)
				url := fmt.Sprintf("%s%simage/%s.png?size=1024", env.nodes[0].url(), api, f.random[rand.N(len(f.random))])
				if err := get(ctx, client, url); err != nil && ctx.Err() == nil {
					failed.Add(1)
				}
				pause(ctx, 200*time.Millisecond)
			}
		})
	}
	all.Wait()
	env.record("pictures requested", float64(asked.Load()))
	env.record("refused", float64(failed.Load()))
	return nil
}

func get(ctx context.Context, client *http.Client, url string) error {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := client.Do(q)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return errors.New(answer.Status)
	}
	return nil
}

// webhookFlood creates codes that are never scanned while the webhook receiver is
// down. Then the receiver works again, until ctx ends.
func webhookFlood(ctx context.Context, env *environment) error {
	env.webhooks.setDown(true)
	f := codeFlood{networks: 1_000, workers: 64, rate: 3_000}
	deadline, _ := ctx.Deadline()
	flooding, end := context.WithDeadline(ctx, deadline.Add(-time.Until(deadline)/2))
	defer end()
	f.run(flooding, env)
	env.webhooks.setDown(false)
	<-ctx.Done()
	f.record(env)
	return nil
}
