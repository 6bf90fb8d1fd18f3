package identity

import (
	"reflect"
	"testing"

	"github.com/scanlogin/scanlogin/session"
)

func TestOnlyTypedClaimsOfTheLoginCount(t *testing.T) {
	c := Claims{More: []string{"acr", "amr", "auth_time", "department"}}
	for text, want := range map[string]session.Auth{
		`"auth_time":1800000000,"acr":"high","amr":["pwd","otp"]`: {Time: 1800000000, ACR: "high", AMR: []string{"pwd", "otp"}},
		`"auth_time":"1800000000","acr":2,"amr":"pwd"`:            {},
		`"auth_time":1800000000.5,"acr":null,"amr":null`:          {},
		`"auth_time":1.8e9,"acr":["high"],"amr":["pwd",1]`:        {},
		`"auth_time":-5,"acr":"","amr":[]`:                        {},
		`"auth_time":99999999999999999999,"acr":{},"amr":{}`:      {},
		`"auth_time":true,"acr":"a\ud800b","amr":["\ud800"]`:      {},
		`"Auth_Time":1800000000,"ACR":"high"`:                     {},
	} {
		claims, err := decodeObject([]byte(`{"sub":"alice","department":"x",` + text + `}`))
		if err != nil {
			t.Fatal(err)
		}
		u, err := c.user(claims)
		if err != nil || !reflect.DeepEqual(u.Auth, want) {
			t.Errorf("%s: %+v, %v", text, u.Auth, err)
		}
		if len(u.More) != 1 {
			t.Errorf("%s: other claims %v", text, u.More)
		}
	}
}
