package stepca

import "strings"

// What only the CA's text tells. Everything that is decided by text is here, and TestReal... hold it against the real
// server; a text that is not known any more leads to the more general class.
const (
	wordsAlready     = "is already revoked"                // revoke, 400
	wordsNoCert      = "missing client certificate"        // renew and rekey, 400
	wordsNoCertOrOTT = "missing ott or client certificate" // revoke, 400
	wordsToken       = "error validating renew token"      // renew by token, 401 or 500: another CA's name, a bad signature
)

func says(rep reply, words ...string) bool {
	for _, w := range words {
		if strings.Contains(rep.message, w) {
			return true
		}
	}
	return false
}

// errorMessage reads {"status": N, "message": text} of an answer that is an error; what is something else gives nothing.
func errorMessage(rep reply, secrets ...string) string {
	if !rep.isJSON {
		return ""
	}
	o, err := readObject(rep.body)
	if err != nil {
		return ""
	}
	return clean(o.text("message", false), secrets...)
}
