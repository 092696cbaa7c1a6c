package mqttcheck

import (
	"context"
	"errors"
	"time"
)

// Check tests the broker of cfg with the identity of a device. It returns nil
// and a Result with a Proof, or an *Error and what is known of the rest. It ends
// when ctx does or after cfg.Timeout, whichever is first, also if the signer
// hangs; such a signer's call is abandoned, not stopped.
func Check(ctx context.Context, cfg Config, id Identity) (Result, error) {
	var res Result
	cfg, err := cfg.withDefaults()
	if err != nil {
		return res, prepareError(err)
	}
	dev, err := id.check()
	if err != nil {
		return res, prepareError(err)
	}
	ctx, cancel := context.WithTimeout(ctx, cfg.Timeout)
	defer cancel()

	tries := []Protocol{cfg.Protocol}
	if cfg.Protocol == ProtocolAuto {
		tries = []Protocol{Protocol5, Protocol311}
	}
	var failed *Error
	for i, p := range tries {
		a := newAttempt(ctx, &cfg, &dev, &res, p, i+1)
		failed = a.run()
		if failed == nil {
			return res, nil
		}
		a.steps.end(failed.Step, false)
		if !failed.tryOlder {
			break
		}
	}
	res.Proof, res.PubackCode = ProofNone, 0
	return res, failed
}

func prepareError(err error) *Error {
	return &Error{
		Step: StepPrepare, Reason: BadConfig, Err: err,
		Sentence: "The broker test could not start: " + clean(err.Error()) + ".",
		Hint:     "Correct the station's mqtt configuration, or the certificate files that the test was given.",
	}
}

// attempt is one connection.
type attempt struct {
	ctx   context.Context
	cfg   *Config
	dev   *identity
	res   *Result
	proto Protocol
	steps *tracker

	trust    anchors
	signer   *onceSigner
	asked    bool  // the broker asked for a client certificate
	certErr  error // why its certificate is not accepted
	proven   bool  // the broker has accepted the device's certificate
	tls13    bool
	speaking bool // CONNECT was sent
}

func newAttempt(ctx context.Context, cfg *Config, dev *identity, res *Result, p Protocol, n int) *attempt {
	res.MQTTVersion = p
	return &attempt{
		ctx: ctx, cfg: cfg, dev: dev, res: res, proto: p,
		trust: newAnchors(cfg.RootCAs),
		steps: &tracker{
			attempt: n, now: cfg.Now, started: map[Step]time.Time{},
			report: func(s StepResult) {
				res.Steps = append(res.Steps, s)
				cfg.Progress(s)
			},
		},
	}
}

// run does the steps in order. It ends every step that succeeded; Check ends the
// one that failed.
func (a *attempt) run() *Error {
	raw, failed := a.dial()
	if failed != nil {
		return failed
	}
	defer raw.Close()
	if deadline, ok := a.ctx.Deadline(); ok {
		if err := raw.SetDeadline(deadline); err != nil {
			return a.dialFailure(StepTCP, err)
		}
	}
	stop := context.AfterFunc(a.ctx, func() { _ = raw.SetDeadline(time.Unix(1, 0)) })
	defer stop()

	conn, failed := a.handshake(raw)
	if failed != nil {
		return failed
	}
	s := newSession(a, conn)
	if failed := s.connect(); failed != nil {
		return failed
	}
	if failed := s.publish(); failed != nil {
		return failed
	}
	s.bye()
	return nil
}

// expired reports that the check's time is over or that it was called off, and
// the error to report for it; nil if neither.
func (a *attempt) expired(err error) error {
	if cause := a.ctx.Err(); cause != nil {
		return cause
	}
	var timeout interface{ Timeout() bool }
	if errors.As(err, &timeout) && timeout.Timeout() {
		return context.DeadlineExceeded
	}
	return nil
}

// timeoutError is Timeout or Canceled.
func (a *attempt) timeoutError(step Step, cause error) *Error {
	if errors.Is(cause, context.Canceled) {
		return a.failure(step, Canceled, cause, "The broker test was stopped.", "Start it again when ready.")
	}
	sentence := map[Step]string{
		StepResolve:     "The name of the broker could not be looked up in time.",
		StepTCP:         "The broker did not answer the connection in time.",
		StepTLS:         "The broker accepted the connection, but TLS was not set up in time.",
		StepCertificate: "The broker did not answer in time after it got this device's certificate.",
		StepConnack:     "The broker did not answer the MQTT connect in time.",
		StepPublish:     "The broker did not acknowledge the test message in time.",
	}[step]
	hint := "The broker hangs or is overloaded. Look at the broker, then try again."
	switch step {
	case StepResolve:
		hint = "Check the station's network cable and its DNS server."
	case StepTCP:
		hint = "A firewall may drop the packets, or the broker is down. Check mqtt.host and mqtt.port."
	case StepTLS:
		hint = "Something else than an MQTT broker with TLS may listen on this port. Check mqtt.port."
	}
	return a.failure(step, Timeout, cause, sentence, hint)
}

func (a *attempt) failure(step Step, reason Reason, err error, sentence, hint string) *Error {
	e := &Error{Step: step, Reason: reason, Sentence: sentence, Hint: hint}
	if a.speaking {
		e.Protocol = a.proto
	}
	if err != nil {
		e.Err = cleanError{err}
	}
	return e
}
