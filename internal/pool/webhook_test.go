package pool_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/scanlogin/scanlogin/internal/pool"
)

// The example of the Standard Webhooks libraries.
const exampleKey = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

func mustKey(t *testing.T, text string) pool.WebhookKey {
	t.Helper()
	key, err := pool.ParseWebhookKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestSignaturesFollowStandardWebhooks(t *testing.T) {
	w := pool.Webhook{Keys: []pool.WebhookKey{mustKey(t, exampleKey)}}
	got := w.Sign("msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if got != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
		t.Errorf("the standard's example is signed %s", got)
	}
}

func TestAllKeysSignDuringARotation(t *testing.T) {
	newKey := pool.FormatWebhookKey([32]byte{1, 2, 3})
	w := pool.Webhook{Keys: []pool.WebhookKey{mustKey(t, newKey), mustKey(t, exampleKey)}}
	now, body := time.Now(), []byte(`{"type":"code.scanned"}`)
	header := http.Header{}
	header.Set("webhook-id", "msg_1")
	header.Set("webhook-timestamp", strconv.FormatInt(now.Unix(), 10))
	header.Set("webhook-signature", w.Sign("msg_1", now, body))
	for _, text := range []string{newKey, exampleKey} {
		receiver, err := standardwebhooks.NewWebhook(text)
		if err != nil {
			t.Fatal(err)
		}
		if err := receiver.Verify(body, header); err != nil {
			t.Error(err)
		}
		if err := receiver.Verify([]byte(`{"type":"code.confirmed"}`), header); err == nil {
			t.Error("another body has the same signature")
		}
	}
	stranger, err := standardwebhooks.NewWebhook(pool.FormatWebhookKey([32]byte{4}))
	if err != nil {
		t.Fatal(err)
	}
	if err := stranger.Verify(body, header); err == nil {
		t.Error("a stranger's key verifies")
	}
}

func TestOnlyStandardWebhooksKeysAreAccepted(t *testing.T) {
	of := func(size int) string { return base64.StdEncoding.EncodeToString(make([]byte, size)) }
	for _, text := range []string{"", "whsec_", of(32), "whsec_" + of(23), "whsec_" + of(65), "whsec_!" + of(32), "whsk_" + of(32), "whsec_" + of(32) + "\n"} {
		if _, err := pool.ParseWebhookKey(text); !errors.Is(err, pool.ErrWebhookKey) {
			t.Errorf("%q: %v", text, err)
		}
	}
	mustKey(t, "whsec_"+of(24))
	mustKey(t, "whsec_"+of(64))
}

func TestWebhookKeysAreRedacted(t *testing.T) {
	w := &pool.Webhook{Keys: []pool.WebhookKey{mustKey(t, exampleKey)}}
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(exampleKey, "whsec_"))
	if err != nil {
		t.Fatal(err)
	}
	shown := fmt.Sprintf("%v %+v %#v %s %x", w, *w, w.Keys, w.Keys[0], w.Keys)
	for _, secret := range []string{exampleKey, string(raw), fmt.Sprintf("%x", raw), fmt.Sprint(raw)} {
		if strings.Contains(shown, strings.Trim(secret, "[]")) {
			t.Errorf("a key shows in %s", shown)
		}
	}
}

func TestWithoutAListAllEventsAreSent(t *testing.T) {
	some := pool.Webhook{Events: []string{"code.confirmed"}}
	if all := new(pool.Webhook); !all.Wants("code.made") || !some.Wants("code.confirmed") || some.Wants("code.made") {
		t.Error("wanted is not what was asked for")
	}
}
