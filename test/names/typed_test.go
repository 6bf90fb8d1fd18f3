package names

import "net/http"

// typedCodes types a right code and a wrong one.
func (w *walker) typedCodes() {
	phone := w.bearer(user, userKey)
	random, key := w.code("main")
	code, data := w.do(request{http.MethodPost, api + "/typed-code", `{"random":"` + random + `"}`, []string{"X-Browser-Key", key}})
	if code != http.StatusOK {
		w.Fatalf("typed-code: %d", code)
	}
	w.post(500, "scanned", map[string]any{"random": "BCDF-GHJK", "userPoolId": "main"}, phone...)
	w.post(http.StatusOK, "scanned", map[string]any{"random": data["typedCode"], "userPoolId": "main"}, phone...)
}

// stepUp confirms with a token that does not say when its user logged in.
func (w *walker) stepUp() {
	phone := w.bearer(user, userKey)
	random, _ := w.code("recent")
	w.post(http.StatusOK, "scanned", map[string]any{"random": random}, phone...)
	w.post(2251, "confirm", map[string]any{"random": random}, phone...)
}
