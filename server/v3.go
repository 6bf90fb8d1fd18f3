package server

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/server/authing"
)

// v3Path is where Authing's V3 clients look.
const v3Path = "/api/v3"

func isV3(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, v3Path+"/") }

// v3Success answers a V3 client with data.
func v3Success(c *call, data any) error {
	return c.JSON(http.StatusOK, authing.Envelope{
		Status: http.StatusOK, Message: c.locale().localize("Success", "成功"), RequestID: c.by.RequestID, Data: data,
	})
}

// v3Error answers a V3 client with an error. Its HTTP status is 200, because the clients read
// the body only then, except where a client must wait.
func v3Error(c *call, p *problem, message string, needed *stepUpData) error {
	status := http.StatusOK
	if p.status >= 500 || p.status == http.StatusTooManyRequests {
		status = p.status
	}
	body := authing.Envelope{Status: p.status, Message: message, Code: p.code, RequestID: c.by.RequestID}
	if needed != nil {
		body.StepUp = needed
	}
	return c.JSON(status, body)
}

// v3GeneRequest is the body of gene-qrcode.
type v3GeneRequest struct {
	Type       string          `json:"type"`
	CustomData json.RawMessage `json:"customData"`
}

// v3Gene creates a code.
func (s *Server) v3Gene(c *call) error {
	var in v3GeneRequest
	if err := decode(c, &in); err != nil {
		return err
	}
	if in.Type != authing.CodeType {
		return malformed("type", "must be "+authing.CodeType, "必须是 "+authing.CodeType)
	}
	p, code, err := s.create(c, c.poolName(""), geneRequest{CustomData: in.CustomData})
	if err != nil {
		return err
	}
	return v3Success(c, authing.NewCode{
		ID: code.ID, URL: s.pictureURL(code.ID), Logo: p.Logo, ExpiresIn: login.WholeSeconds(code.ExpiresAt.Sub(code.CreatedAt)),
	})
}

// v3Status returns the state of a code.
func (s *Server) v3Status(c *call) error {
	v, err := s.login.View(c.Request().Context(), c.by, login.ViewRequest{Pool: c.poolName(""), Random: c.QueryParam("qrcodeId"), Clients: true})
	if err == nil {
		err = s.login.CountCheck(v)
	}
	if err != nil {
		return asQRCodeID(err)
	}
	state, err := s.login.Show(v)
	if err != nil {
		return err
	}
	return v3Success(c, authing.NewCodeStatus(state))
}

// v3StepRequest is the body of set-qrcode-status.
type v3StepRequest struct {
	ID         string `json:"qrcodeId"` // or the picture's whole text
	Action     string `json:"action"`
	MatchCode  string `json:"matchCode"` // as in the v2 interface
	UserPoolID string `json:"userPoolId"`
}

// v3StepData is what set-qrcode-status returns: V3's field, and what the phone learns from the
// v2 interface.
type v3StepData struct {
	Success bool `json:"success"`
	phoneData
}

// v3Step makes a step of the phone's user.
func (s *Server) v3Step(c *call) error {
	var in v3StepRequest
	if err := decode(c, &in); err != nil {
		return err
	}
	step := map[string]func(context.Context, *login.Caller, login.PhoneRequest) (login.PhoneResult, error){
		authing.ActionScan: s.login.Scan, authing.ActionConfirm: s.login.Confirm, authing.ActionCancel: s.login.Cancel,
	}[in.Action]
	if step == nil {
		return malformed("action", "must be SCAN, CONFIRM or CANCEL", "必须是 SCAN、CONFIRM 或 CANCEL")
	}
	result, err := step(c.Request().Context(), c.by, login.PhoneRequest{
		Pool: c.poolName(in.UserPoolID), Code: in.ID, Token: bearerToken(c.Request().Header.Get("Authorization")), MatchCode: in.MatchCode,
	})
	if err != nil {
		return asQRCodeID(err)
	}
	return v3Success(c, v3StepData{true, s.phoneResult(c.locale(), result)})
}

// asQRCodeID names the field of a code as V3 clients know it.
func asQRCodeID(err error) error {
	if e, ok := errors.AsType[login.FieldError](err); ok && e.Field == "random" {
		e.Field = "qrcodeId"
		return e
	}
	return err
}
