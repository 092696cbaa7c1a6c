package pki_test

import (
	"testing"

	"provstation/station/pki"
	"provstation/station/stationtest"
)

// BenchmarkVerifyAnswer is what every certificate goes through before a byte of it is pushed.
func BenchmarkVerifyAnswer(b *testing.B) {
	for _, kind := range []string{"P-256", "Ed25519"} {
		b.Run(kind, func(b *testing.B) {
			k := newBench(b, stationtest.PKIConfig{})
			k.key = stationtest.NewKey(b, kind)
			k.csr = stationtest.NewCSR(b, k.key, id)
			answer, policy := k.answer(b), k.policy()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := pki.VerifyAnswer(answer, policy); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkParseCSR is what every request of a device goes through before it is posted.
func BenchmarkParseCSR(b *testing.B) {
	k := newBench(b, stationtest.PKIConfig{})
	policy := pki.CSRPolicy{DeviceID: id, KeyTypes: []pki.KeyType{"P-256"}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := pki.ParseCSR(k.csr, policy); err != nil {
			b.Fatal(err)
		}
	}
}
