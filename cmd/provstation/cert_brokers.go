package main

import (
	"time"

	"provstation/station/retire"
	"provstation/station/stepca"
)

// brokerWords says in the catalogue's words what brokers make of a revoked certificate, by the CA's list or why there is none.
func (w *revokeWriter) brokerWords(crl stepca.CRL, err error, c retire.Certificate) (retire.Brokers, string) {
	b, params := retire.Judge(crl, c, time.Now())
	if err != nil && b != retire.BrokersOver {
		_, message, _ := w.faultWords(err)
		b, params["detail"] = retire.BrokersUnknown, message
		delete(params, "made")
	}
	return b, w.words.Text("revoke.brokers."+string(b), params)
}
