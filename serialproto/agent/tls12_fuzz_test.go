package agent

import (
	"bytes"
	"testing"
	"time"
)

// FuzzTranscript12 parses any bytes. What parses has every field the checks rely on, and no transcript is accepted
// without a CA file that vouches for its server.
func FuzzTranscript12(f *testing.F) {
	hello := append([]byte{1, 0, 0, 49, 3, 3}, bytes.Repeat([]byte{7}, 32)...)
	hello = append(hello, 0, 0, 2, 0xc0, 0x2b, 1, 0, 0, 5, 0xff, 1, 0, 1, 0)
	f.Add(hello, []byte{16, 0, 0, 2, 1, 4})
	f.Add(append(hello, 14, 0, 0, 0), []byte{16, 0, 0, 0})
	f.Add([]byte{2, 0, 0, 1, 0, 11, 0, 0, 0, 12, 0, 0, 0, 13, 0, 0, 0, 14, 0, 0, 0}, []byte{})
	f.Fuzz(func(t *testing.T, head, tail []byte) {
		tr, err := parseTranscript12(head)
		if (tr == nil) == (err == nil) {
			t.Fatalf("got transcript %v and error %v, want one of them", tr, err)
		}
		if err == nil {
			if len(tr.clientRandom) != 32 || len(tr.serverRandom) != 32 || len(tr.certs) == 0 || len(tr.params) == 0 {
				t.Fatalf("parsed with missing fields: %+v", tr)
			}
		}
		policy := tls12Policy{scheme: schemeP256, now: time.Unix(1_800_000_000, 0)}
		if policy.check(head, tail) == nil {
			t.Fatalf("accepted without any CA file")
		}
	})
}
