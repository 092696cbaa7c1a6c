package devstack

import (
	"fmt"
	"net/http"
	"strings"
)

// rootsHandler serves what a step-ca serves without authentication, for the built-in signer.
func (a *authority) rootsHandler(mux *http.ServeMux) {
	pemText := func(w http.ResponseWriter, text []byte) {
		w.Header().Set("Content-Type", "application/x-pem-file")
		_, _ = w.Write(text)
	}
	for _, prefix := range []string{"", "/1.0"} {
		mux.HandleFunc("GET "+prefix+"/roots.pem", func(w http.ResponseWriter, _ *http.Request) {
			pemText(w, certPEM(a.root))
		})
		mux.HandleFunc("GET "+prefix+"/intermediates.pem", func(w http.ResponseWriter, _ *http.Request) {
			pemText(w, certPEM(a.sub, a.ica))
		})
		mux.HandleFunc("GET "+prefix+"/root/{sha}", func(w http.ResponseWriter, r *http.Request) {
			sum := strings.ToLower(strings.ReplaceAll(r.PathValue("sha"), "-", ""))
			if sum != a.fingerprint() {
				writeJSON(w, http.StatusNotFound, map[string]any{
					"status": http.StatusNotFound, "message": fmt.Sprintf("root certificate with fingerprint %q was not found", sum),
				})
				return
			}
			writeJSON(w, http.StatusOK, map[string]string{"ca": string(certPEM(a.root))})
		})
		mux.HandleFunc("GET "+prefix+"/health", func(w http.ResponseWriter, _ *http.Request) {
			writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
		})
	}
}
