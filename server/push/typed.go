package push

import (
	"context"

	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/server/push/wsconn"
	"github.com/scanlogin/scanlogin/session"
)

// actionTypedCode is the action, and the event, of a page that asks for its typed code.
const actionTypedCode = "typed-code"

// typedMessage has the typed code of the page's code.
type typedMessage struct {
	Event     string     `json:"event"` // "typed-code"
	Random    session.ID `json:"random"`
	TypedCode string     `json:"typedCode"`
}

// errorMessage refuses what the page asked for. The socket stays open.
type errorMessage struct {
	Event   string `json:"event"`  // "error"
	Action  string `json:"action"` // of the page
	Code    int    `json:"code"`   // as of REST
	Message string `json:"message"`
}

// typedCode answers a page that asks for the typed code of its code.
func (k *socket) typedCode() *wsconn.CloseFrame {
	id := k.subscription.id
	typed, err := k.findTypedCode(id)
	if err == nil {
		return k.send(typedMessage{actionTypedCode, id, typed})
	}
	k.emitRefused(err)
	code, message := k.srv.describe(k.lang, err)
	return k.send(errorMessage{"error", actionTypedCode, code, message})
}

func (k *socket) findTypedCode(id session.ID) (string, error) {
	code, p, err := k.srv.login.Code(context.Background(), id)
	if err != nil {
		return "", err
	}
	return k.srv.login.TypedCode(context.Background(), login.View{Pool: p, Code: code, Rights: login.NewRights(p, code, k.proof)})
}
