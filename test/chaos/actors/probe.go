package actors

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/scanlogin/scanlogin/test/chaos/history"
)

// Probe returns the transports that the nodes support.
func (env *Environment) Probe(ctx context.Context) ([]Transport, error) {
	found := []Transport{Open, Watch, Poll}
	a, _ := env.call(ctx, history.Gene, "probe", request{path: "gene", body: map[string]any{"userPoolId": env.Pools[0].ID}})
	var made status
	if a.code != history.OK || !a.decode(&made) {
		return nil, fmt.Errorf("gene was answered with %d (HTTP %d)", a.code, a.http)
	}
	began := time.Now()
	a, _ = env.call(ctx, history.Check, "probe", request{path: "check?wait=1&version=1&random=" + made.Random})
	if a.code == history.OK && time.Since(began) > 900*time.Millisecond {
		found = append(found, LongPoll)
	}
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, env.Nodes[0]+api+"events?random="+made.Random, nil)
	if err != nil {
		return nil, err
	}
	response, err := env.Client.Do(r)
	if err != nil {
		return nil, err
	}
	response.Body.Close()
	if response.StatusCode == http.StatusOK {
		found = append(found, Events)
	}
	return found, nil
}
