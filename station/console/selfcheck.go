package console

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"
	"time"

	"provstation/station"
	"provstation/station/mqttcheck"
)

var _ station.SelfChecker = (*line)(nil)

// mostTest bounds a test on the box, and moreTime is what it may take beside its own time.
const (
	mostTest = 2 * time.Minute
	moreTime = 15 * time.Second
)

// checksBroker reports whether the box can test the broker by itself.
func checksBroker(have map[string]bool) bool { return have["mosquitto_pub"] && have["timeout"] }

// CheckBroker has the box publish the test message with mosquitto_pub, over its own network and with its files as they lie. What
// that program says is put into the words of a test that the station ran; it is the box's claim, and no more than that the
// broker acknowledged.
func (l *line) CheckBroker(ctx context.Context, cfg mqttcheck.Config) (mqttcheck.Result, error) {
	if !checksBroker(l.have) {
		return mqttcheck.Result{}, l.lacks("mosquitto_pub, timeout")
	}
	if err := l.work(ctx); err != nil {
		return mqttcheck.Result{}, err
	}
	if err := l.sess.load(ctx, l.cfg.Command, "check", checkScript); err != nil {
		return mqttcheck.Result{}, err
	}
	h, err := l.Holding(ctx)
	if err != nil {
		return mqttcheck.Result{}, err
	}
	t, err := newOwnTest(cfg, h.DeviceID)
	if err != nil {
		return mqttcheck.Result{}, boxFault("have the box test the broker", "refused", err.Error())
	}
	protocol := cfg.Protocol
	if protocol == "" || protocol == mqttcheck.ProtocolAuto {
		protocol = mqttcheck.Protocol5
	}
	res, err := t.run(ctx, l, protocol)
	if e, ok := errors.AsType[*mqttcheck.Error](err); ok && protocol != cfg.Protocol && olderSpoken(e) {
		res, err = t.run(ctx, l, mqttcheck.Protocol311)
	}
	if cfg.Progress != nil {
		for _, s := range res.Steps {
			cfg.Progress(s)
		}
	}
	return res, err
}

// olderSpoken tells a broker that does not speak MQTT 5: it says so (0x84, or 1 in the words of MQTT 3.1.1), or closes.
func olderSpoken(e *mqttcheck.Error) bool {
	return e.Step == mqttcheck.StepConnack && (e.Code == 0x84 || e.Code == 1 || e.Reason == mqttcheck.BrokerClosed)
}

// ownTest is the test as mosquitto_pub takes it.
type ownTest struct {
	cfg     mqttcheck.Config
	id      string
	seconds int
	tls     string
}

func newOwnTest(cfg mqttcheck.Config, id string) (ownTest, error) {
	t := ownTest{cfg: cfg, id: id, tls: "-"}
	if t.cfg.Port == 0 {
		t.cfg.Port = mqttcheck.DefaultPort
	}
	if t.cfg.Topic == "" {
		t.cfg.Topic = mqttcheck.DefaultTopic
	}
	if len(t.cfg.Payload) == 0 {
		t.cfg.Payload = []byte(mqttcheck.DefaultPayload)
	}
	if t.cfg.Timeout <= 0 {
		t.cfg.Timeout = mqttcheck.DefaultTimeout
	}
	t.seconds = int((min(t.cfg.Timeout, mostTest) + time.Second - 1) / time.Second)
	switch {
	case cfg.ServerName != "" && cfg.ServerName != cfg.Host:
		return t, fmt.Errorf("mosquitto_pub knows the broker by its address %s alone, not as %s", cfg.Host, cfg.ServerName)
	case id == "" || strings.HasPrefix(cfg.Host, "-") || strings.HasPrefix(t.cfg.Topic, "-"):
		return t, fmt.Errorf("the box's id, the broker or the topic cannot be given to mosquitto_pub")
	case strings.ContainsAny(cfg.Username+string(cfg.Password), "\r\n\x00"):
		return t, fmt.Errorf("the broker's user or password holds a line end")
	case len(t.cfg.Payload) > 8<<10:
		return t, fmt.Errorf("a test message of %d bytes is too long for the console", len(t.cfg.Payload))
	case cfg.TLSMin == tls.VersionTLS13:
		t.tls = "tlsv1.3"
	case cfg.TLSMax == tls.VersionTLS12:
		t.tls = "tlsv1.2"
	}
	return t, nil
}

func (t ownTest) run(ctx context.Context, l *line, p mqttcheck.Protocol) (mqttcheck.Result, error) {
	version := "mqttv5"
	if p == mqttcheck.Protocol311 {
		version = "mqttv311"
	}
	user, pass := "-", "-"
	if t.cfg.Username != "" {
		user = b64([]byte(t.cfg.Username))
	}
	if t.cfg.Username != "" && t.cfg.Password != "" {
		pass = b64([]byte(string(t.cfg.Password)))
		l.sess.secret = true
		defer func() { l.sess.secret = false }()
	}
	cmd := command("pub", strconv.Itoa(t.seconds), t.cfg.Host, strconv.Itoa(int(t.cfg.Port)), t.id, version, t.tls, t.cfg.Topic, b64(t.cfg.Payload), user, pass)
	began := time.Now()
	text, err := l.ask(ctx, time.Duration(t.seconds)*time.Second+moreTime, "have the box test the broker", cmd)
	if err != nil {
		return mqttcheck.Result{}, err
	}
	status, err := strconv.Atoi(fields(text)["exit"])
	if err != nil {
		return mqttcheck.Result{}, badAnswer("broker test: the box does not say how it ended")
	}
	res := mqttcheck.Result{Addr: net.JoinHostPort(t.cfg.Host, strconv.Itoa(int(t.cfg.Port))), MQTTVersion: p}
	return readTest(res, said(text), status, time.Since(began))
}

// said are the lines that mosquitto_pub printed.
func said(text string) (lines []string) {
	for ln := range strings.Lines(text) {
		if s, ok := strings.CutPrefix(ln, "> "); ok {
			lines = append(lines, printable(s, 200))
		}
	}
	return lines
}

// endings say what each thing that mosquitto_pub says means. The first that is found counts.
var endings = []struct {
	text   *regexp.Regexp
	step   mqttcheck.Step
	reason mqttcheck.Reason
	alert  uint8
}{
	{regexp.MustCompile(`(?i)host ?name verification failed|hostname mismatch|IP address mismatch`), mqttcheck.StepTLS, mqttcheck.ServerNameMismatch, 0},
	{regexp.MustCompile(`(?i)alert (certificate )?unknown ca|alert number 48`), mqttcheck.StepCertificate, mqttcheck.ClientCertRefused, 48},
	{regexp.MustCompile(`(?i)alert certificate expired|alert number 45`), mqttcheck.StepCertificate, mqttcheck.ClientCertRefused, 45},
	{regexp.MustCompile(`(?i)alert certificate revoked|alert number 44`), mqttcheck.StepCertificate, mqttcheck.ClientCertRefused, 44},
	{regexp.MustCompile(`(?i)alert certificate required|alert number 116`), mqttcheck.StepCertificate, mqttcheck.ClientCertRefused, 116},
	{regexp.MustCompile(`(?i)alert (bad certificate|certificate unknown|unsupported certificate|access denied)`), mqttcheck.StepCertificate, mqttcheck.ClientCertRefused, 42},
	{regexp.MustCompile(`(?i)certificate (has expired|is not yet valid)`), mqttcheck.StepTLS, mqttcheck.ServerExpired, 0},
	{regexp.MustCompile(`(?i)certificate verify failed|unable to get local issuer`), mqttcheck.StepTLS, mqttcheck.ServerUntrusted, 0},
	{regexp.MustCompile(`(?i)alert protocol version|unsupported protocol|no protocols available|alert number 70`), mqttcheck.StepTLS, mqttcheck.ProtocolVersion, 0},
	{regexp.MustCompile(`(?i)wrong version number|packet length too long|http request`), mqttcheck.StepTLS, mqttcheck.NotTLS, 0},
	{regexp.MustCompile(`(?i)lookup error|name or service not known|no address associated|bad address|unknown host`), mqttcheck.StepResolve, mqttcheck.NameNotFound, 0},
	{regexp.MustCompile(`(?i)temporary failure in name resolution|try again`), mqttcheck.StepResolve, mqttcheck.ResolverFailed, 0},
	{regexp.MustCompile(`(?i)no route to host|network is unreachable|network unreachable|network is down`), mqttcheck.StepTCP, mqttcheck.NoRoute, 0},
	{regexp.MustCompile(`^Error: Connection refused`), mqttcheck.StepTCP, mqttcheck.Refused, 0},
	{regexp.MustCompile(`(?i)connection timed out`), mqttcheck.StepTCP, mqttcheck.Timeout, 0},
	{regexp.MustCompile(`(?i)publish \d+ failed`), mqttcheck.StepPublish, mqttcheck.PublishDenied, 0},
	{regexp.MustCompile(`(?i)^connection error:`), mqttcheck.StepConnack, mqttcheck.ConnackRefused, 0},
	{regexp.MustCompile(`(?i)a tls error occurred|openssl error`), mqttcheck.StepTLS, mqttcheck.HandshakeFailed, 0},
	{regexp.MustCompile(`(?i)connection was lost|connection reset`), mqttcheck.StepConnack, mqttcheck.BrokerClosed, 0},
}

var (
	connackText = regexp.MustCompile(`received CONNACK \((\d+)\)`)
	pubackText  = regexp.MustCompile(`received PUBACK \(Mid: \d+, RC:(\d+)\)`)
)

// readTest judges a test by what the program said and how it ended. Only an end without error after a PUBACK counts.
func readTest(res mqttcheck.Result, lines []string, status int, took time.Duration) (mqttcheck.Result, error) {
	connack, puback := -1, -1
	for _, ln := range lines {
		if m := connackText.FindStringSubmatch(ln); m != nil {
			connack, _ = strconv.Atoi(m[1])
		}
		if m := pubackText.FindStringSubmatch(ln); m != nil {
			puback, _ = strconv.Atoi(m[1])
		}
	}
	if status == 0 && connack == 0 && puback >= 0 && puback < 0x80 {
		res.Proof, res.PubackCode = mqttcheck.ProofBrokerAcked, byte(puback)
		for _, s := range []mqttcheck.Step{mqttcheck.StepResolve, mqttcheck.StepTCP, mqttcheck.StepTLS, mqttcheck.StepCertificate, mqttcheck.StepConnack} {
			res.Steps = append(res.Steps, mqttcheck.StepResult{Step: s, Attempt: 1, OK: true})
		}
		res.Steps = append(res.Steps, mqttcheck.StepResult{Step: mqttcheck.StepPublish, Attempt: 1, OK: true, Took: took})
		return res, nil
	}
	e := &mqttcheck.Error{Step: mqttcheck.StepConnack, Reason: mqttcheck.BrokerMisbehaved, Protocol: res.MQTTVersion}
	e.Sentence = fmt.Sprintf("mosquitto_pub ended with status %d", status)
	for _, row := range endings {
		if ln, ok := matching(lines, row.text); ok {
			e.Step, e.Reason, e.Alert = row.step, row.reason, row.alert
			e.Sentence = "mosquitto_pub says: " + ln
			break
		}
	}
	switch {
	case status == 124 || status == 143 || status == 137: // of timeout
		e.Reason, e.Sentence = mqttcheck.Timeout, "mosquitto_pub did not end in time"
		e.Step = mqttcheck.StepTCP
		if connack == 0 {
			e.Step = mqttcheck.StepPublish
		}
	case e.Reason == mqttcheck.ConnackRefused && connack > 0 && connack < 256:
		e.Code = byte(connack)
	case e.Reason == mqttcheck.PublishDenied && puback >= 0x80 && puback < 256:
		e.Code = byte(puback)
	case connack == 0 && e.Step == mqttcheck.StepConnack:
		e.Step = mqttcheck.StepPublish
	}
	res.Steps = append(res.Steps, mqttcheck.StepResult{Step: e.Step, Attempt: 1, Took: took})
	return res, e
}

func matching(lines []string, text *regexp.Regexp) (string, bool) {
	for _, ln := range lines {
		if text.MatchString(ln) {
			return ln, true
		}
	}
	return "", false
}

// CheckTunnel is nothing that a box without an agent does: its tunnel is brought up by its own start-up.
func (l *line) CheckTunnel(context.Context, string, time.Duration) (station.TunnelReport, error) {
	return station.TunnelReport{}, missing(l, "a check of its tunnel")
}
