package mqttcheck

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"
	"unicode"
)

func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// freePort is a port that nobody listened on a moment ago.
func freePort(t testing.TB) netip.AddrPort {
	t.Helper()
	l := listen(t)
	defer func() { _ = l.Close() }()
	return netip.MustParseAddrPort(l.Addr().String())
}

// serve accepts connections on a fresh local port until the test ends, and waits
// for the handlers.
func serve(t testing.TB, handle func(net.Conn)) netip.AddrPort {
	t.Helper()
	l := listen(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		var open []chan struct{}
		for {
			conn, err := l.Accept()
			if err != nil {
				break
			}
			end := make(chan struct{})
			open = append(open, end)
			go func() {
				defer close(end)
				defer func() { _ = conn.Close() }()
				_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
				handle(conn)
			}()
		}
		for _, end := range open {
			<-end
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return netip.MustParseAddrPort(l.Addr().String())
}

// fakeMQTT answers each packet of a client with prepared bytes: the first answer
// to CONNECT, and so on; after the last it closes the connection, or if hold is
// set waits for the client to go.
type fakeMQTT struct {
	tls     *tls.Config
	answers [][]byte
	hold    bool
	// old answers instead of answers when CONNECT is of MQTT 3.1.1.
	old [][]byte
}

func (f *fakeMQTT) start(t testing.TB) netip.AddrPort {
	t.Helper()
	return serve(t, func(raw net.Conn) {
		conn := tls.Server(raw, f.tls)
		defer func() { _ = conn.Close() }()
		r := bufio.NewReader(conn)
		answers := f.answers
		for i := 0; i < len(answers) || i == 0; i++ {
			packet, err := readFrame(r)
			if err != nil {
				return
			}
			if i == 0 && f.old != nil && len(packet.body) > 6 && packet.body[6] == 4 {
				answers = f.old
			}
			if i < len(answers) {
				if _, err := conn.Write(answers[i]); err != nil {
					return
				}
			}
		}
		if f.hold {
			_, _ = io.Copy(io.Discard, r)
		}
	})
}

// config is for the tenant's broker at addr.
func (p *tenant) config(addr netip.AddrPort) Config {
	return Config{
		Host: "127.0.0.1", Port: addr.Port(), ServerName: "broker.test", RootCAs: p.caFile(), Timeout: 20 * time.Second,
	}
}

// want describes an expected *Error.
type want struct {
	step   Step
	reason Reason
	alert  uint8
	code   byte
	says   string // part of Sentence
}

// refusal is a failed check that was as wanted.
type refusal struct {
	res Result
	err *Error
}

// check runs Check and compares its error with w.
func (w want) check(t testing.TB, cfg Config, id Identity) refusal {
	t.Helper()
	res, err := Check(t.Context(), cfg, id)
	return refusal{res, w.compare(t, res, err)}
}

func (w want) compare(t testing.TB, res Result, err error) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got error %v (result %+v), want %+v", err, res, w)
	}
	if e.Step != w.step || e.Reason != w.reason || e.Alert != w.alert || e.Code != w.code || !strings.Contains(e.Sentence, w.says) {
		t.Errorf("got step %s reason %s alert %d code 0x%02x sentence %q (%v),\nwant %+v", e.Step, e.Reason, e.Alert, e.Code, e.Sentence, e, w)
	}
	if res.Proof != ProofNone {
		t.Errorf("got proof %q beside an error, want none", res.Proof)
	}
	checkText(t, e)
	if n := len(res.Steps); w.step != StepPrepare && (n == 0 || res.Steps[n-1].OK || res.Steps[n-1].Step != e.Step) {
		t.Errorf("got steps %+v, want a failed %s at their end", res.Steps, e.Step)
	}
	return e
}

// checkText: whatever a broker does, what an operator reads is plain and short.
func checkText(t testing.TB, e *Error) {
	t.Helper()
	for what, text := range map[string]string{"sentence": e.Sentence, "hint": e.Hint, "error": e.Error(), "broker text": e.BrokerText} {
		if i := strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
			t.Errorf("got unprintable character at %d of %s %q", i, what, text)
		}
		if len(text) > 2000 {
			t.Errorf("got %s of %d bytes, want a short one", what, len(text))
		}
	}
	if !strings.HasSuffix(e.Sentence, ".") || !strings.HasSuffix(e.Hint, ".") {
		t.Errorf("got sentence %q, hint %q, want whole sentences", e.Sentence, e.Hint)
	}
}

// passed asserts a proof, the steps in order, and the number of signatures.
func passed(t testing.TB, res Result, err error, proof Proof, p Protocol) {
	t.Helper()
	if err != nil {
		t.Fatalf("got error %v, want none", err)
	}
	if res.Proof != proof || res.MQTTVersion != p || res.Signatures != 1 {
		t.Errorf("got proof %q, MQTT %s, %d signatures, want %q, %s, 1", res.Proof, res.MQTTVersion, res.Signatures, proof, p)
	}
	order := []Step{StepResolve, StepTCP, StepTLS, StepCertificate, StepConnack, StepPublish}
	if len(res.Steps) != len(order) {
		t.Fatalf("got steps %+v, want %v", res.Steps, order)
	}
	for i, s := range res.Steps {
		if s.Step != order[i] || !s.OK || s.Took < 0 || s.Attempt != 1 {
			t.Errorf("got step %d %+v, want %s ok on attempt 1", i, s, order[i])
		}
	}
	if res.CipherName() == "" || res.Addr == "" || len(res.ServerFingerprint) != 64 {
		t.Errorf("got cipher %q, address %q, fingerprint %q, want all of them", res.CipherName(), res.Addr, res.ServerFingerprint)
	}
}

// skipOrFail is for a missing real part.
func skipOrFail(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("PROVSTATION_REQUIRE_REAL") == "1" {
		t.Fatal(what)
	}
	t.Skip(what)
}
