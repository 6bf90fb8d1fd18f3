package peers

import (
	"context"
	"io"
	"net/http"

	"github.com/centrifugal/centrifuge"
)

// Centrifuge serves centrifuge's WebSocket protocol at /ws, with the library's
// Redis broker between nodes, and publishes the body of POST /pub/<channel>.
// Channels keep no history: delivery is at most once, which is less than scanlogin
// guarantees.
func Centrifuge(ctx context.Context, listen, redis string) error {
	return withCentrifuge(ctx, listen, redis, func(node *centrifuge.Node, mux *http.ServeMux) {
		mux.HandleFunc("POST /pub/{channel}", func(w http.ResponseWriter, r *http.Request) {
			data, err := io.ReadAll(io.LimitReader(r.Body, 1<<16))
			if err == nil {
				_, err = node.Publish(r.PathValue("channel"), data)
			}
			if err != nil {
				http.Error(w, err.Error(), http.StatusServiceUnavailable)
			}
		})
	})
}

// withCentrifuge serves centrifuge at /ws, and the routes that add adds.
func withCentrifuge(ctx context.Context, listen, redis string, add func(*centrifuge.Node, *http.ServeMux)) error {
	node, err := centrifuge.New(centrifuge.Config{})
	if err != nil {
		return err
	}
	if err := join(node, redis); err != nil {
		return err
	}
	node.OnConnecting(func(context.Context, centrifuge.ConnectEvent) (centrifuge.ConnectReply, error) {
		return centrifuge.ConnectReply{Credentials: &centrifuge.Credentials{}}, nil
	})
	node.OnConnect(func(c *centrifuge.Client) {
		c.OnSubscribe(func(_ centrifuge.SubscribeEvent, done centrifuge.SubscribeCallback) {
			done(centrifuge.SubscribeReply{}, nil)
		})
	})
	if err := node.Run(); err != nil {
		return err
	}
	defer node.Shutdown(context.WithoutCancel(ctx))
	mux := http.NewServeMux()
	mux.Handle("GET /ws", centrifuge.NewWebsocketHandler(node, centrifuge.WebsocketConfig{
		ReadBufferSize: 512, UseWriteBufferPool: true, PingPongConfig: centrifuge.PingPongConfig{PingInterval: Heartbeat},
	}))
	add(node, mux)
	return serve(ctx, listen, mux)
}

// join connects the node to the Redis broker.
func join(node *centrifuge.Node, redis string) error {
	shard, err := centrifuge.NewRedisShard(node, centrifuge.RedisShardConfig{Address: redis})
	if err != nil {
		return err
	}
	broker, err := centrifuge.NewRedisBroker(node, centrifuge.RedisBrokerConfig{Shards: []*centrifuge.RedisShard{shard}})
	if err != nil {
		return err
	}
	node.SetBroker(broker)
	return nil
}
