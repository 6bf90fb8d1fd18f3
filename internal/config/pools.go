package config

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/scanlogin/scanlogin/internal/identity"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session"
)

// buildPool builds the user pool of an element of pools. The fields of [pool.Pool] that
// have the name and the kind of a field of [Pool] are copied.
func (d *document) buildPool(i int) *pool.Pool {
	v, at := d.values.Pools[i], fmt.Sprintf("pools[%d]", i)
	p := new(pool.Pool)
	copyFields(reflect.ValueOf(p).Elem(), reflect.ValueOf(v))
	p.Name = cmp.Or(v.Name, v.ID)
	p.Secret = d.poolSecret(at+".secret", v)
	p.Origins = normalizeOrigins(v.Origins)
	p.Identity = d.buildIdentity(at+".identity", v.Identity)
	p.Match = matchOf(v.Match)
	p.Apps = buildApps(v.Apps)
	p.Clients = d.buildClients(at+".clients", v)
	p.StepUp = d.buildStepUp(at+".step_up", v.StepUp)
	p.Webhook = d.buildWebhook(at+".webhook", v.Webhook)
	return p
}

// copyFields sets each field of to from the field of the same name, if there is one of a
// type that converts to it without a change of kind.
func copyFields(to, from reflect.Value) {
	for f := range structFields(to.Type()) {
		value := from.FieldByName(f.Name)
		if value.IsValid() && value.Kind() == f.Type.Kind() && value.CanConvert(f.Type) {
			to.FieldByIndex(f.Index).Set(value.Convert(f.Type))
		}
	}
}

// poolSecret derives the keys of the secrets of a pool.
func (d *document) poolSecret(path string, v Pool) pool.Secret {
	values := d.oneOrSeveral(path, v.Secret, v.Secrets)
	if len(values) == 0 {
		d.refuse(path, "is required. `scanlogin secret` prints a good one")
		return pool.Secret{}
	}
	return newPoolSecret(values)
}

// newPoolSecret returns a secret of at least one value.
func newPoolSecret(values []Secret) pool.Secret {
	texts := make([]string, len(values))
	for i, value := range values {
		texts[i] = string(value)
	}
	return pool.NewSecret(texts[0], texts[1:]...)
}

// normalizeOrigins returns origins as browsers write them, without duplicates.
func normalizeOrigins(list []string) []string {
	origins := make([]string, 0, len(list))
	for _, text := range list {
		if origin, err := ParseOrigin(text); err == nil && !slices.Contains(origins, origin) {
			origins = append(origins, origin)
		}
	}
	return origins
}

func matchOf(value string) session.Match {
	if value == "off" {
		return session.MatchNone
	}
	return session.Match(value)
}

// buildIdentity builds the verifier of a pool's phone tokens, nil where only vouching
// names users.
func (d *document) buildIdentity(path string, v *Identity) identity.Identity {
	switch {
	case d.refused(path):
		return nil // a more precise problem is known
	case v == nil && !d.given(path):
		return nil
	case v == nil || v.JWT == nil && v.Userinfo == nil:
		d.refuse(path, "needs jwt or userinfo; without both, remove it")
		return nil
	case v.JWT != nil && v.Userinfo != nil:
		d.refuse(path, "has jwt and userinfo; remove one")
		return nil
	case v.Userinfo != nil:
		users, err := identity.NewUserinfo(identity.UserinfoConfig{URL: v.Userinfo.URL, Claims: identity.Claims(v.Userinfo.Claims)})
		return d.identityOr(path+".userinfo", users, err)
	default:
		users, err := identity.NewJWT(v.JWT.identity())
		return d.identityOr(path+".jwt", users, err)
	}
}

func (v *JWT) identity() identity.JWTConfig {
	return identity.JWTConfig{
		HS256Secret: v.HS256Secret, PublicKey: string(v.PublicKey), JWKSURL: v.JWKSURL,
		Issuer: v.Issuer, Audience: v.Audience, Claims: identity.Claims(v.Claims),
	}
}

// identityOr returns users, or records err, which begins with the key of a field if it is
// about one.
func (d *document) identityOr(path string, users identity.Identity, err error) identity.Identity {
	if err == nil {
		return users
	}
	field, text, _ := strings.Cut(err.Error(), ": ")
	if d.given(join(path, field)) {
		d.refuse(join(path, field), text)
	} else {
		d.refuse(path, strings.TrimPrefix(err.Error(), "jwt: "))
	}
	return nil
}

// refused reports whether there is a problem with the value at path or in it.
func (d *document) refused(path string) bool {
	return slices.ContainsFunc(d.problems, func(p Problem) bool {
		return p.Path == path || strings.HasPrefix(p.Path, path+".")
	})
}
